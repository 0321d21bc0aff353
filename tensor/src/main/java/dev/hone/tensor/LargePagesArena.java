package dev.hone.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Pieces cut from {@link LargePages}, front to back; all are given back at once. */
final class LargePagesArena implements Arena {
  /** What is asked for at a time; what is never touched takes no memory. */
  private static final long CHUNK = 32L << 20;

  private final Arena owner = Arena.ofShared();
  private MemorySegment chunk = MemorySegment.NULL;
  private long used;

  @Override
  public synchronized MemorySegment allocate(long bytes, long alignment) {
    if (bytes > CHUNK) {
      return LargePages.allocate(owner, bytes);
    }
    long from = (used + alignment - 1) / alignment * alignment; // a chunk begins aligned to a page
    if (from + bytes > chunk.byteSize()) {
      chunk = LargePages.allocate(owner, CHUNK);
      from = 0;
    }
    used = from + bytes;
    return chunk.asSlice(from, bytes);
  }

  @Override
  public MemorySegment.Scope scope() {
    return owner.scope();
  }

  @Override
  public void close() {
    owner.close();
  }
}
