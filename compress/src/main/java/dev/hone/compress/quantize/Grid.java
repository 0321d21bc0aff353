package dev.hone.compress.quantize;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.layout.Layouts;

/**
 * The numbers that the weights of a group can be: {@code w = scale q + shift}, for integers q.
 *
 * @param type what is stored
 * @param scaleType what scales and shifts are rounded to
 * @param least integer
 * @param most integer
 * @param levels the integers there are, rising; null: all from the least to the most
 * @param negative whether scales may be negative, which lets the longer side of the integers meet
 *     the longer side of the weights
 */
record Grid(
    DType type,
    Plain scaleType,
    Offset offset,
    int least,
    int most,
    byte[] levels,
    boolean negative) {

  /** What a group's shift may be. */
  enum Offset {
    /** Zero. */
    NONE,
    /** {@code -zero scale}, for an integer zero of the same range as q. */
    ZERO_POINT,
    /** Any. */
    FREE
  }

  /**
   * The grid of a storage type.
   *
   * @param scaleType of {@link Affine} types; blocks bring their own
   * @throws IllegalArgumentException where the type has no groups of integers that Hone writes
   */
  static Grid of(DType type, Plain scaleType) {
    return switch (type) {
      case Affine a when a.symmetric() -> {
        int half = 1 << a.bits() - 1;
        yield new Grid(a, scaleType, Offset.NONE, -half, half - 1, null, false);
      }
      case Affine a -> {
        int least = a.bits() == 4 ? 0 : -128;
        int most = least + (1 << a.bits()) - 1;
        yield new Grid(a, scaleType, Offset.ZERO_POINT, least, most, null, false);
      }
      case Block b ->
          switch (b) {
            case Q4_0 -> new Grid(b, Plain.F16, Offset.NONE, -8, 7, null, true);
            case Q4_1 -> new Grid(b, Plain.F16, Offset.FREE, 0, 15, null, false);
            case Q8_0 -> new Grid(b, Plain.F16, Offset.NONE, -127, 127, null, false);
            case IQ4_NL -> {
              byte[] levels = Layouts.iq4nlValues();
              yield new Grid(
                  b, Plain.F16, Offset.NONE, levels[0], levels[levels.length - 1], levels, true);
            }
            case Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> throw unknown(type);
          };
      case Plain _ -> throw unknown(type);
    };
  }

  private static IllegalArgumentException unknown(DType type) {
    return new IllegalArgumentException(
        type.label()
            + " is not calibrated: int4 and int8 of any group, q8_0, q4_0, q4_1 and iq4_nl are");
  }

  /** Columns of a group in a row of so many. */
  int group(int cols) {
    return switch (type) {
      case Affine affine -> affine.groupColumns(cols);
      case Block block -> block.group();
      case Plain plain -> throw unknown(plain);
    };
  }

  /** Integers from one end to the other. */
  int steps() {
    return most - least;
  }

  /** The nearest number that scales and shifts are stored as. */
  float stored(float value) {
    return Layouts.round(value, scaleType);
  }
}
