package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.Arrays;

/** Masks for what is left of a row: a table that is read from its middle backwards. */
final class Masks {
  private Masks() {}

  /** A vector of marks, then one without: {@code n} marks begin {@code n} floats before it. */
  static float[] table(Width width) {
    float[] table = new float[2 * width.floats()];
    Arrays.fill(table, 0, width.floats(), Float.intBitsToFloat(-1));
    return table;
  }
}
