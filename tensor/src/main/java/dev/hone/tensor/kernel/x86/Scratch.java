package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/** Memory lent to a task for its time and kept for the next: some 100 KB for each thread. */
final class Scratch {
  private final ArrayDeque<MemorySegment> free = new ArrayDeque<>();

  /** At least so many bytes, holding anything. */
  synchronized MemorySegment take(long bytes) {
    MemorySegment last = free.poll();
    return last != null && last.byteSize() >= bytes
        ? last
        : Arena.ofShared().allocate(bytes, Tensor.ALIGNMENT);
  }

  synchronized void putBack(MemorySegment segment) {
    free.push(segment);
  }
}
