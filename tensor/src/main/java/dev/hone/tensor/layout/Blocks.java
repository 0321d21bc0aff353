package dev.hone.tensor.layout;

/** The arithmetic that GGUF's block quantizers share. */
final class Blocks {
  private Blocks() {}

  /** The first number of largest magnitude, with its sign. */
  static float extreme(float[] in, int from, int count, long row) {
    float extreme = 0;
    for (int i = from; i < from + count; i++) {
      if (!Float.isFinite(in[i])) {
        throw new ArithmeticException(
            in[i] + " at row " + row + ", column " + i + " cannot be quantized");
      }
      if (Math.abs(in[i]) > Math.abs(extreme)) {
        extreme = in[i];
      }
    }
    return extreme;
  }

  /** C's {@code roundf}. */
  static int roundAwayFromZero(float value) {
    int whole = (int) value;
    float rest = value - whole;
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
  }
}
