package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.LargePages;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/**
 * Memory lent to a task for its time and kept for the next: up to some MB for each thread, in large
 * pages. A piece has a power of two of bytes, so that one that comes back fits the next task.
 */
final class Scratch {
  private final Arena arena = LargePages.arena();

  /** By the power of two. */
  private final List<Deque<MemorySegment>> free =
      Stream.<Deque<MemorySegment>>generate(ArrayDeque::new).limit(Long.SIZE).toList();

  /** At least so many bytes, holding anything. */
  synchronized MemorySegment take(long bytes) {
    int power = power(Math.max(bytes, Tensor.ALIGNMENT));
    MemorySegment segment = free.get(power).poll();
    return segment != null ? segment : arena.allocate(1L << power, Tensor.ALIGNMENT);
  }

  synchronized void putBack(MemorySegment segment) {
    free.get(power(segment.byteSize())).push(segment);
  }

  /** Of the least power of two that is as large. */
  private static int power(long bytes) {
    return Long.SIZE - Long.numberOfLeadingZeros(bytes - 1);
  }
}
