package dev.hone.tensor.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * Loops that do nothing but what a kernel is bound by: the most that one thread of this processor
 * can do, as far as a tier can express it. Each runs on the thread that calls it.
 */
public interface LimitLoops {

  /** What is multiplied and added, in registers. */
  enum Peak {
    /** Floats. */
    F32("f32"),
    /** Floats of 16 bits, as a dot product does. */
    BF16("bf16"),
    /** Integers of 8 bits, as a dot product does. */
    INT8("int8"),
    /** Floats of 16 bits, a tile at a time. */
    BF16_TILES("bf16 tiles"),
    /** Integers of 8 bits, a tile at a time. */
    INT8_TILES("int8 tiles");

    private final String label;

    Peak(String label) {
      this.label = label;
    }

    /** The name that people read. */
    public String label() {
      return label;
    }

    public boolean tiles() {
      return this == BF16_TILES || this == INT8_TILES;
    }
  }

  /** Those that there are loops for: F32, INT8, and what else the processor has. */
  Set<Peak> peaks();

  /**
   * Multiplies and adds.
   *
   * @param peak one of {@link #peaks}
   * @return operations done, a multiplication and an addition counted as two
   */
  long operations(Peak peak, int rounds);

  /**
   * Reads memory.
   *
   * @return bytes read: those of the segment, down to a multiple of 256
   */
  long read(MemorySegment segment);
}
