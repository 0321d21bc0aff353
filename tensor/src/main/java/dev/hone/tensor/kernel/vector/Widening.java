package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.BYTES;
import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.INTS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static dev.hone.tensor.kernel.vector.Vectors.ORDER;
import static dev.hone.tensor.kernel.vector.Vectors.PANEL;
import static dev.hone.tensor.kernel.vector.Vectors.SHORTS;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.FloatPanels;
import dev.hone.tensor.kernel.panels.IntegerPanels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;

/** A part of a panel as floats: {@link Vectors#PANEL} columns of whatever precision. */
final class Widening {
  private static final ValueLayout.OfInt BITS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

  /** One for each number of a vector. */
  private static final long LANE_BITS = (1L << LANES) - 1;

  private Widening() {}

  /**
   * Widens input features {@code from .. to} of a panel.
   *
   * @param from even
   * @param out [to - from][PANEL], and room for one row more
   */
  static void widen(WidenedPanels panels, int panel, int from, int to, float[] out) {
    switch (panels) {
      case FloatPanels floats -> floats(floats, panel, from, to, out);
      case IntegerPanels integers -> integers(integers, panel, from, to, out);
      case SparsePanels some -> sparse(some, panel, from, to, out);
    }
  }

  private static void floats(FloatPanels panels, int panel, int from, int to, float[] out) {
    floats(panels.type(), panels.data(), panels.at(panel, from), (to - from) * PANEL, out, 0);
  }

  /** Whole vectors of halves are read and written. */
  private static void floats(
      Plain type, MemorySegment data, long at, int count, float[] out, int outAt) {
    switch (type) {
      case F32 -> MemorySegment.copy(data, Tensor.FLOAT, at, out, outAt, count);
      case F16 -> f16(data, at, count, out, outAt);
      case BF16 -> bf16(data, at, count, out, outAt);
      case F64, I64, I32, I16, I8, U8, BOOL -> throw new IllegalStateException(type.label());
    }
  }

  /**
   * Numbers stand at the end of what they are to fill, and move to the front from the first one on:
   * of those still to be moved there are never more than places.
   */
  private static void sparse(SparsePanels panels, int panel, int from, int to, float[] out) {
    long at = panels.numberAt(panel, from);
    int count = panels.count(panel, from, to);
    int next = (to - from) * PANEL - count;
    floats(panels.type(), panels.numbers(), at, count, out, next);
    MemorySegment bits = panels.bits();
    long bitsAt = panels.bitsAt(panel, from);
    for (int k = 0; k < to - from; k++) {
      int row = bits.get(BITS, bitsAt + (long) k * (PANEL / Byte.SIZE));
      VectorMask<Float> mask0 = VectorMask.fromLong(FLOATS, row & LANE_BITS);
      VectorMask<Float> mask1 = VectorMask.fromLong(FLOATS, row >>> LANES & LANE_BITS);
      FloatVector.fromArray(FLOATS, out, next).expand(mask0).intoArray(out, k * PANEL);
      next += mask0.trueCount();
      FloatVector.fromArray(FLOATS, out, next).expand(mask1).intoArray(out, k * PANEL + LANES);
      next += mask1.trueCount();
    }
  }

  private static void bf16(MemorySegment data, long at, int count, float[] out, int outAt) {
    for (int i = 0; i < count; i += LANES) {
      ShortVector half = ShortVector.fromMemorySegment(SHORTS, data, at + i * 2L, ORDER);
      IntVector bits = (IntVector) half.convertShape(ZERO_EXTEND_S2I, INTS, 0);
      bits.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(out, outAt + i);
    }
  }

  /** By exponent arithmetic: subnormal halves must not become subnormal floats on the way. */
  private static void f16(MemorySegment data, long at, int count, float[] out, int outAt) {
    int bias = 127 - 15 << 23;
    float leastNormal = 0x1p-14f;
    for (int i = 0; i < count; i += LANES) {
      ShortVector half = ShortVector.fromMemorySegment(SHORTS, data, at + i * 2L, ORDER);
      IntVector bits = (IntVector) half.convertShape(ZERO_EXTEND_S2I, INTS, 0);
      IntVector sign = bits.and(0x8000).lanewise(LSHL, 16);
      IntVector exponent = bits.and(0x7C00);
      IntVector magnitude = bits.and(0x7FFF).lanewise(LSHL, 13).add(bias);
      magnitude = magnitude.add(bias, exponent.compare(EQ, 0x7C00)); // infinity, NaN
      FloatVector subnormal = magnitude.add(1 << 23).reinterpretAsFloats().sub(leastNormal);
      magnitude = magnitude.blend(subnormal.reinterpretAsInts(), exponent.compare(EQ, 0));
      magnitude.or(sign).reinterpretAsFloats().intoArray(out, outAt + i);
    }
  }

  private static void integers(IntegerPanels panels, int panel, int from, int to, float[] out) {
    int k = from;
    while (k < to) {
      int g = k / panels.group();
      int end = Math.min(to, (g + 1) * panels.group());
      long groupAt = panels.groupOf(panel, g);
      if (panels.bits() == 8) {
        bytes(panels, panels.at(panel, k), groupAt, end - k, out, (k - from) * PANEL);
      } else {
        nibbles(panels, panels.at(panel, k), groupAt, end - k, out, (k - from) * PANEL);
      }
      k = end;
    }
  }

  /** {@code w = q * scale + shift}, shift = -zero * scale where none is stored. */
  private static void bytes(
      IntegerPanels panels, long at, long groupAt, int depth, float[] out, int outAt) {
    MemorySegment data = panels.data();
    MemorySegment scales = panels.scales();
    FloatVector scale0 = FloatVector.fromMemorySegment(FLOATS, scales, groupAt * 4, ORDER);
    FloatVector scale1 =
        FloatVector.fromMemorySegment(FLOATS, scales, (groupAt + LANES) * 4, ORDER);
    FloatVector shift0 = shift(panels, groupAt, scale0);
    FloatVector shift1 = shift(panels, groupAt + LANES, scale1);
    for (int k = 0; k < depth; k++) {
      ByteVector q0 = ByteVector.fromMemorySegment(BYTES, data, at + (long) k * PANEL, ORDER);
      ByteVector q1 =
          ByteVector.fromMemorySegment(BYTES, data, at + (long) k * PANEL + LANES, ORDER);
      FloatVector w0 = (FloatVector) q0.convertShape(B2F, FLOATS, 0);
      FloatVector w1 = (FloatVector) q1.convertShape(B2F, FLOATS, 0);
      w0.fma(scale0, shift0).intoArray(out, outAt + k * PANEL);
      w1.fma(scale1, shift1).intoArray(out, outAt + k * PANEL + LANES);
    }
  }

  private static void nibbles(
      IntegerPanels panels, long at, long groupAt, int depth, float[] out, int outAt) {
    MemorySegment data = panels.data();
    MemorySegment scales = panels.scales();
    FloatVector scale0 = FloatVector.fromMemorySegment(FLOATS, scales, groupAt * 4, ORDER);
    FloatVector scale1 =
        FloatVector.fromMemorySegment(FLOATS, scales, (groupAt + LANES) * 4, ORDER);
    FloatVector shift0 = shift(panels, groupAt, scale0);
    FloatVector shift1 = shift(panels, groupAt + LANES, scale1);
    int pairs = (depth + 1) / 2;
    for (int k = 0; k < pairs; k++) {
      ByteVector q0 = ByteVector.fromMemorySegment(BYTES, data, at + (long) k * PANEL, ORDER);
      ByteVector q1 =
          ByteVector.fromMemorySegment(BYTES, data, at + (long) k * PANEL + LANES, ORDER);
      IntVector i0 = (IntVector) q0.convertShape(ZERO_EXTEND_B2I, INTS, 0);
      IntVector i1 = (IntVector) q1.convertShape(ZERO_EXTEND_B2I, INTS, 0);
      FloatVector even0 = (FloatVector) i0.and(15).convertShape(I2F, FLOATS, 0);
      FloatVector even1 = (FloatVector) i1.and(15).convertShape(I2F, FLOATS, 0);
      FloatVector odd0 = (FloatVector) i0.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0);
      FloatVector odd1 = (FloatVector) i1.lanewise(LSHR, 4).convertShape(I2F, FLOATS, 0);
      even0.fma(scale0, shift0).intoArray(out, outAt + 2 * k * PANEL);
      even1.fma(scale1, shift1).intoArray(out, outAt + 2 * k * PANEL + LANES);
      odd0.fma(scale0, shift0).intoArray(out, outAt + (2 * k + 1) * PANEL);
      odd1.fma(scale1, shift1).intoArray(out, outAt + (2 * k + 1) * PANEL + LANES);
    }
  }

  private static FloatVector shift(IntegerPanels panels, long at, FloatVector scale) {
    if (panels.shifts() != null) {
      return FloatVector.fromMemorySegment(FLOATS, panels.shifts(), at * 4, ORDER);
    }
    if (panels.zeros() == null) {
      return scale.mul(-panels.middle());
    }
    FloatVector zero =
        (FloatVector)
            ByteVector.fromMemorySegment(BYTES, panels.zeros(), at, ORDER)
                .convertShape(B2F, FLOATS, 0);
    return zero.neg().mul(scale);
  }
}
