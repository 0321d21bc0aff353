package dev.hone.tensor.kernel.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Memory that ends where a page begins that nobody may touch. */
@SuppressWarnings("restricted") // three functions of the C library, and the pages they give
final class GuardedMemory implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MMAP =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("mmap"),
          FunctionDescriptor.of(
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MPROTECT =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("mprotect"),
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle MUNMAP =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("munmap"),
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

  private final MemorySegment pages;
  private final MemorySegment segment;

  GuardedMemory(long bytes) {
    long room = (bytes + PAGE - 1) / PAGE * PAGE;
    try {
      MemorySegment mapped =
          (MemorySegment)
              MMAP.invokeExact(
                  MemorySegment.NULL, room + PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
      pages = mapped.reinterpret(room + PAGE);
      if ((int) MPROTECT.invokeExact(pages.asSlice(room), PAGE, 0) != 0) {
        throw new IllegalStateException("mprotect");
      }
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
    segment = pages.asSlice(room - bytes, bytes);
  }

  MemorySegment segment() {
    return segment;
  }

  @Override
  public void close() {
    try {
      if ((int) MUNMAP.invokeExact(pages, pages.byteSize()) != 0) {
        throw new IllegalStateException("munmap");
      }
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
