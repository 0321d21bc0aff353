package dev.hone.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory in pages of 2 MiB, where the system has them: a processor finds its way in it with few
 * entries of its page table, and it is had without being written to first.
 *
 * <p>Linux gives such pages on request ({@code madvise}), if at all; elsewhere, and for little
 * memory, it is the arena's own.
 */
public final class LargePages {
  private static final long PAGE = 2L << 20;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;
  private static final int HUGE_PAGES = 14; // MADV_HUGEPAGE
  private static final long FAILED = -1;

  private LargePages() {}

  /** The system's functions; looked up when there is a large piece to allocate. */
  private static final class Functions {
    static final boolean LINUX = System.getProperty("os.name").equals("Linux");
    static final SystemFunction MMAP = new SystemFunction("mmap");
    static final SystemFunction MADVISE = new SystemFunction("madvise");
    static final SystemFunction MUNMAP = new SystemFunction("munmap");
  }

  /** So many bytes, all zero, at least as aligned as {@link Tensor#ALIGNMENT} says. */
  @SuppressWarnings("restricted") // a segment over pages that this method has just mapped
  public static MemorySegment allocate(Arena arena, long bytes) {
    if (bytes < PAGE || !Functions.LINUX) {
      return arena.allocate(bytes, Tensor.ALIGNMENT);
    }
    long whole = roundUp(bytes) + PAGE;
    long mapped = Functions.MMAP.call(0, whole, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
    if (mapped == FAILED) {
      throw new OutOfMemoryError("no " + bytes + " bytes of memory left");
    }
    long first = roundUp(mapped);
    int advised = (int) Functions.MADVISE.call(first, roundUp(bytes), HUGE_PAGES);
    assert advised == 0 || advised == FAILED; // where it is refused, pages are small
    return MemorySegment.ofAddress(first).reinterpret(bytes, arena, _ -> unmap(mapped, whole));
  }

  /** An arena, for any thread, whose small pieces lie together in such pages. */
  public static Arena arena() {
    return new LargePagesArena();
  }

  private static void unmap(long address, long bytes) {
    if ((int) Functions.MUNMAP.call(address, bytes, 0) != 0) {
      throw new IllegalStateException("munmap of " + bytes + " bytes failed");
    }
  }

  private static long roundUp(long bytes) {
    return (bytes + PAGE - 1) / PAGE * PAGE;
  }
}
