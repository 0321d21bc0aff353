package dev.hone.tensor;

/**
 * How a matrix product reads the rows of its input.
 *
 * <p>Rounded to 8 bits, a row x becomes {@code q = clamp(round(x / s), -zero, 255 - zero)}, which
 * stands for {@code s q}: a step s and a zero for each row, found when it comes. Jacob et al.,
 * "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
 * section 2.1.
 */
public enum Input {
  /** As it comes. */
  FLOAT("float"),
  /** 255 steps from the least number to the largest, zero among them. */
  DYNAMIC_INT8("dynamic-int8"),
  /** 255 steps around zero, as far as the largest magnitude. */
  DYNAMIC_INT8_SYMMETRIC("dynamic-int8-symmetric"),
  /**
   * Each {@link #BLOCK} numbers of a row on a grid of their own: {@link #BLOCK_STEPS} steps on
   * either side of zero, as far as their largest magnitude. What GGUF's Q8_0 makes of them.
   */
  BLOCK_INT8("block-int8");

  /** Steps from one end of a row to the other. */
  public static final float STEPS = 255;

  /** Numbers of a block. */
  public static final int BLOCK = 32;

  /** Steps from zero to the end of a block. */
  public static final float BLOCK_STEPS = 127;

  private final String label;

  Input(String label) {
    this.label = label;
  }

  /** The name that recipes use. */
  public String label() {
    return label;
  }

  /** Whether a row has one grid. */
  public boolean ofRows() {
    return this == DYNAMIC_INT8 || this == DYNAMIC_INT8_SYMMETRIC;
  }

  /** The one of that name. */
  public static Input of(String label) {
    for (Input input : values()) {
      if (input.label.equals(label)) {
        return input;
      }
    }
    throw new IllegalArgumentException(
        "unknown input "
            + label
            + ": one of float, dynamic-int8, dynamic-int8-symmetric, block-int8");
  }

  /** Replaces every number of a row by the one that products read in its place. */
  public void round(float[] row) {
    switch (this) {
      case FLOAT -> {}
      case DYNAMIC_INT8, DYNAMIC_INT8_SYMMETRIC -> roundRow(row);
      case BLOCK_INT8 -> {
        for (int from = 0; from < row.length; from += BLOCK) {
          roundBlock(row, from, Math.min(row.length, from + BLOCK));
        }
      }
    }
  }

  private void roundRow(float[] row) {
    float least = 0;
    float most = 0;
    for (float x : row) {
      least = Math.min(least, x);
      most = Math.max(most, x);
    }
    float range = this == DYNAMIC_INT8 ? most - least : 2 * Math.max(most, -least);
    float scale = range / STEPS;
    float inverse = range < Float.MIN_NORMAL ? 0 : STEPS / range;
    float zero = this == DYNAMIC_INT8 ? (float) Math.rint(-least * inverse) : 128;
    for (int i = 0; i < row.length; i++) {
      float steps = Math.max(-zero, Math.min(row[i] * inverse, STEPS - zero)); // a NaN stays one
      row[i] = (float) Math.rint(steps) * scale;
    }
  }

  private static void roundBlock(float[] row, int from, int to) {
    float most = 0;
    for (int i = from; i < to; i++) {
      most = Math.max(most, Math.abs(row[i]));
    }
    float scale = most / BLOCK_STEPS;
    float inverse = most < Float.MIN_NORMAL ? 0 : BLOCK_STEPS / most;
    for (int i = from; i < to; i++) {
      row[i] = (float) Math.rint(row[i] * inverse) * scale;
    }
  }
}
