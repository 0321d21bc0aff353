package dev.hone.tensor.kernel.x86.emulator;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Memory of a process by its addresses; what may not be touched is an answer, not a crash. Segments
 * are off the heap.
 */
final class ProcessMemory {
  private static final FunctionDescriptor COPY =
      FunctionDescriptor.of(
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT,
          ValueLayout.ADDRESS,
          ValueLayout.JAVA_LONG,
          ValueLayout.ADDRESS,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG);
  private static final MethodHandle READ = function("process_vm_readv");
  private static final MethodHandle WRITE = function("process_vm_writev");

  private final int process;
  private final MemorySegment here = Arena.global().allocate(2 * Long.BYTES, Long.BYTES);
  private final MemorySegment there = Arena.global().allocate(2 * Long.BYTES, Long.BYTES);

  ProcessMemory(ProcessHandle process) {
    this.process = (int) process.pid();
  }

  /** Whether all of these bytes could be read. */
  boolean read(long address, MemorySegment into) {
    return copy(READ, address, into);
  }

  /** Whether all of these bytes could be written. */
  boolean write(long address, MemorySegment from) {
    return copy(WRITE, address, from);
  }

  private boolean copy(MethodHandle function, long address, MemorySegment segment) {
    long bytes = segment.byteSize();
    here.setAtIndex(ValueLayout.JAVA_LONG, 0, segment.address());
    here.setAtIndex(ValueLayout.JAVA_LONG, 1, bytes);
    there.setAtIndex(ValueLayout.JAVA_LONG, 0, address);
    there.setAtIndex(ValueLayout.JAVA_LONG, 1, bytes);
    try {
      return (long) function.invokeExact(process, here, 1L, there, 1L, 0L) == bytes;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("restricted") // two functions of the C library
  private static MethodHandle function(String name) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), COPY);
  }
}
