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
 * @param scaleType what scales and shifts are rounded to, each by itself
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
      case Affine a when a.perTensor() ->
          throw new IllegalArgumentException(
              a.label()
                  + " is not calibrated: one grid from the least weight to the largest; use rtn");
      case Affine a when a.symmetric() -> {
        int half = 1 << a.bits() - 1;
        yield new Grid(a, scaleType, Offset.NONE, -half, half - 1, null, false);
      }
      case Affine a -> new Grid(a, scaleType, Offset.ZERO_POINT, a.least(), a.most(), null, false);
      case Block b ->
          switch (b) {
            case Q4_0, Q5_0, Q4_1, Q5_1 -> blocks(b, Plain.F16);
            case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> blocks(b, Plain.F32);
            case Q8_0 -> new Grid(b, Plain.F16, Offset.NONE, -127, 127, null, false);
            case IQ4_NL -> {
              byte[] levels = Layouts.iq4nlValues();
              yield new Grid(
                  b, Plain.F16, Offset.NONE, levels[0], levels[levels.length - 1], levels, true);
            }
          };
      case Plain _ -> throw unknown(type);
    };
  }

  private static Grid blocks(Block b, Plain scaleType) {
    Offset offset = b.shifted() ? Offset.FREE : Offset.NONE;
    int least = -b.middle();
    return new Grid(
        b, scaleType, offset, least, least + (1 << b.bits()) - 1, null, offset == Offset.NONE);
  }

  private static IllegalArgumentException unknown(DType type) {
    return new IllegalArgumentException(
        type.label()
            + " is not calibrated: integers of 2 to 8 bits in any group and GGUF's blocks are");
  }

  /** Columns of a group in a row of so many. */
  int group(int cols) {
    return switch (type) {
      case Affine affine -> affine.groupColumns(cols);
      case Block block -> block.group();
      case Plain plain -> throw unknown(plain);
    };
  }

  /**
   * Groups whose scales and shifts are rounded together, to steps that they share; 1 where each is
   * rounded by itself.
   */
  int together() {
    return type instanceof Block block ? block.columns() / block.group() : 1;
  }

  /** Whether shifts go downwards only. */
  boolean downwards() {
    return offset == Offset.FREE && together() > 1;
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
