package dev.hone.runtime;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.LargePages;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory for activations that is handed out front to back and taken back all at once. What does not
 * fit gets a chunk of its own until the next {@link #reset}, which makes one chunk that would have
 * sufficed.
 */
final class Slab implements AutoCloseable {
  private static final long PAGE = 4096;

  private Arena arena = Arena.ofShared();
  private MemorySegment chunk = MemorySegment.NULL;
  private long used;
  private long wanted;
  private long beside;
  private long mostBytes;

  /** An F32 matrix whose numbers are whatever stood there before. */
  Tensor matrix(long rows, long cols) {
    long bytes = Math.multiplyExact(rows, cols * Float.BYTES);
    long room = roundUp(bytes, Tensor.ALIGNMENT);
    if (used + room <= chunk.byteSize()) {
      MemorySegment part = chunk.asSlice(used, bytes);
      used += room;
      wanted += room;
      return Tensor.of(Plain.F32, part, rows, cols);
    }
    MemorySegment own = LargePages.allocate(arena, bytes);
    wanted += room;
    beside += bytes;
    mostBytes = Math.max(mostBytes, chunk.byteSize() + beside);
    return Tensor.of(Plain.F32, own, rows, cols);
  }

  /** Bytes that were asked for since it was last taken back. */
  long wanted() {
    return wanted;
  }

  /** Takes everything back. */
  void reset() {
    long next = wanted;
    used = 0;
    wanted = 0;
    if (next > chunk.byteSize()) {
      renew(next);
    }
  }

  /** Takes everything back, and has room for so many bytes from now on. */
  void reserve(long bytes) {
    if (bytes > chunk.byteSize()) {
      used = 0;
      wanted = 0;
      renew(bytes);
    }
  }

  private void renew(long bytes) {
    long next = roundUp(bytes, PAGE);
    chunk = MemorySegment.NULL; // where no memory is left, an empty slab remains
    beside = 0;
    arena.close();
    arena = Arena.ofShared();
    chunk = LargePages.allocate(arena, next);
    mostBytes = Math.max(mostBytes, next);
  }

  /** The most bytes it has held at once. */
  long sizeBytes() {
    return mostBytes;
  }

  @Override
  public void close() {
    arena.close();
  }

  private static long roundUp(long bytes, long unit) {
    return (bytes + unit - 1) / unit * unit;
  }
}
