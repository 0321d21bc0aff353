package dev.hone.tensor.kernel.x86;

import java.lang.foreign.MemorySegment;

/** What machine code would not check itself. */
final class Segments {
  private Segments() {}

  /**
   * @param stride bytes from one row to the next
   * @param rowBytes of each row that are touched
   * @throws IndexOutOfBoundsException if the rows do not lie within the segment
   */
  static void require(MemorySegment segment, long rows, long stride, long rowBytes) {
    long needed = Math.addExact(Math.multiplyExact(rows - 1, stride), rowBytes);
    if (rows < 1 || stride < 0 || needed > segment.byteSize()) {
      throw new IndexOutOfBoundsException(
          rows
              + " rows of "
              + rowBytes
              + " bytes, "
              + stride
              + " apart, in a segment of "
              + segment.byteSize()
              + " bytes");
    }
    if (!segment.isNative()) {
      throw new IllegalArgumentException("on the heap: " + segment);
    }
  }

  /**
   * Where a segment lies, for a call that must not be slowed down by locking it: all threads would
   * count at the same place. Whoever calls keeps it open and within reach until the call returns;
   * {@link dev.hone.tensor.parallel.ComputePool#run} does for what its tasks hold.
   *
   * @throws IllegalStateException if it is closed
   */
  static long address(MemorySegment segment) {
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("closed: " + segment);
    }
    return segment.address();
  }
}
