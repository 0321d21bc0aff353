package dev.hone.tensor.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Loops that do nothing but what a kernel is bound by: the most that one thread of this processor
 * can do, as far as a tier can express it. Each runs on the thread that calls it.
 */
public interface LimitLoops {

  /**
   * Multiplies and adds floats in registers.
   *
   * @return operations done, a multiplication and an addition counted as two
   */
  long multiplyAdd(int rounds);

  /**
   * Multiplies and adds integers of 8 bits in registers, as a dot product does.
   *
   * @return operations done, a multiplication and an addition counted as two
   */
  long integerDot(int rounds);

  /**
   * Reads memory.
   *
   * @return bytes read: those of the segment, down to a multiple of 256
   */
  long read(MemorySegment segment);
}
