package dev.hone.tensor;

import java.util.Arrays;

/**
 * How a matrix product reads the rows of its input.
 *
 * <p>Rounded to 8 bits, a number x becomes {@code q = clamp(round(x / s), -zero, 255 - zero)},
 * which stands for {@code s q}: a step s and a zero for each row, found when it comes, or for a
 * layer, found beforehand. Jacob et al., "Quantization and Training of Neural Networks for
 * Efficient Integer-Arithmetic-Only Inference", section 2.1.
 */
public sealed interface Input {
  /** As it comes. */
  Input FLOAT = Kind.FLOAT;

  /** 255 steps from the least number of a row to the largest, zero among them. */
  Input DYNAMIC_INT8 = Kind.DYNAMIC_INT8;

  /** 255 steps around zero, as far as the largest magnitude of a row. */
  Input DYNAMIC_INT8_SYMMETRIC = Kind.DYNAMIC_INT8_SYMMETRIC;

  /**
   * Each {@link #BLOCK} numbers of a row on a grid of their own: {@link #BLOCK_STEPS} steps on
   * either side of zero, as far as their largest magnitude. What GGUF's Q8_0 makes of them. A tier
   * may read them as BF16 instead, which is nearer to what they are.
   */
  Input BLOCK_INT8 = Kind.BLOCK_INT8;

  /** Each number rounded to BF16, as programs read it that compute in this type. */
  Input BF16 = Kind.BF16;

  /** Steps from one end of a row to the other. */
  float STEPS = 255;

  /** Numbers of a block. */
  int BLOCK = 32;

  /** Steps from zero to the end of a block. */
  float BLOCK_STEPS = 127;

  /** The name that recipes use. */
  String label();

  /** Whether all numbers of a row are on one grid. */
  boolean ofRows();

  /** Replaces every number of a row by the one that products read in its place. */
  void round(float[] row);

  /** The one of that name, which needs no numbers found beforehand. */
  static Input of(String label) {
    return Arrays.stream(Kind.values())
        .filter(kind -> kind.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown input "
                        + label
                        + ": one of "
                        + String.join(
                            ", ", Arrays.stream(Kind.values()).map(Kind::label).toList())));
  }

  /** Inputs that need no numbers found beforehand: {@link Input} says what they are. */
  enum Kind implements Input {
    FLOAT("float"),
    DYNAMIC_INT8("dynamic-int8"),
    DYNAMIC_INT8_SYMMETRIC("dynamic-int8-symmetric"),
    BLOCK_INT8("block-int8"),
    BF16("bf16");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    @Override
    public String label() {
      return label;
    }

    @Override
    public boolean ofRows() {
      return this == DYNAMIC_INT8 || this == DYNAMIC_INT8_SYMMETRIC;
    }

    @Override
    public void round(float[] row) {
      switch (this) {
        case FLOAT -> {}
        case DYNAMIC_INT8, DYNAMIC_INT8_SYMMETRIC -> roundRow(row);
        case BLOCK_INT8 -> {
          for (int from = 0; from < row.length; from += BLOCK) {
            roundBlock(row, from, Math.min(row.length, from + BLOCK));
          }
        }
        case BF16 -> {
          for (int i = 0; i < row.length; i++) {
            row[i] = bf16(row[i]);
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
        row[i] = rounded(row[i] * inverse, zero) * scale;
      }
    }

    /** The nearest BF16, of two the even one; a NaN stays one. */
    private static float bf16(float x) {
      int bits = Float.floatToRawIntBits(x);
      int nearest = bits + 0x7FFF + (bits >>> 16 & 1);
      return Float.isNaN(x) ? x : Float.intBitsToFloat(nearest & 0xFFFF0000);
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

  /**
   * All rows on one grid that was found beforehand; what lies outside becomes its nearest end.
   *
   * @param scale of a step
   * @param zero steps from the grid's least number to 0: from 0 to 255
   * @param factors that numbers are multiplied with before they are put on the grid
   */
  record StaticInt8(float scale, int zero, ColumnFactors factors) implements Input {
    /** The name that recipes use. */
    public static final String LABEL = "static-int8";

    /** Of numbers as they come. */
    public StaticInt8(float scale, int zero) {
      this(scale, zero, ColumnFactors.NONE);
    }

    public StaticInt8 {
      if (!(scale >= Float.MIN_NORMAL && scale < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("scale=" + scale + ": must be a positive number");
      }
      if (zero < 0 || zero > STEPS) {
        throw new IllegalArgumentException("zero=" + zero + ": from 0 to 255");
      }
    }

    /**
     * The grid of a range, 0 among it: {@code s = (most - least) / 255, z = round(-least / s)}. Of
     * nothing but zeros, a grid that keeps them.
     */
    public static StaticInt8 of(float least, float most) {
      double from = Math.min(least, 0);
      float scale = (float) ((Math.max(most, 0) - from) / STEPS);
      return scale < Float.MIN_NORMAL
          ? new StaticInt8(1, 0)
          : new StaticInt8(scale, (int) Math.clamp(Math.rint(-from / scale), 0, STEPS));
    }

    /** The same grid for numbers multiplied with these. */
    public StaticInt8 with(ColumnFactors others) {
      return new StaticInt8(scale, zero, others);
    }

    /** Steps that a number 1 of a column is from 0. */
    public float inverse(int column) {
      return factors.of(column) * (1 / scale);
    }

    @Override
    public String label() {
      return LABEL;
    }

    @Override
    public boolean ofRows() {
      return true;
    }

    /** A row that is not of finite numbers alone becomes one of NaNs. */
    @Override
    public void round(float[] row) {
      for (float x : row) {
        if (!Float.isFinite(x)) {
          Arrays.fill(row, Float.NaN);
          return;
        }
      }
      for (int i = 0; i < row.length; i++) {
        row[i] = rounded(row[i] * inverse(i), zero) * scale;
      }
    }
  }

  /** The nearest whole step of those from one end of the grid to the other; a NaN stays one. */
  private static float rounded(float steps, float zero) {
    return (float) Math.rint(Math.max(-zero, Math.min(steps, STEPS - zero)));
  }
}
