package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.BYTES;
import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.INTS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static dev.hone.tensor.kernel.vector.Vectors.ORDER;
import static dev.hone.tensor.kernel.vector.Vectors.PANEL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.IntegerRow;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Panels of integers with a scale for each group of input features: every quantized type.
 *
 * <pre>
 *   8 bits   [k][PANEL] signed bytes
 *   4 bits   [k / 2][PANEL] bytes: the even k in the low nibble, 0..15
 *   scales   [group][PANEL] floats       zeros    [group][PANEL] signed bytes, null: all {@code middle}
 *                                        shifts   [group][PANEL] floats, instead of zeros, or null
 * </pre>
 *
 * {@code w = (q - zero) * scale}, or {@code w = q * scale + shift}.
 *
 * @param group input features that share a scale; even at 4 bits
 */
record IntegerPanels(
    int rows,
    int cols,
    int bits,
    int group,
    int middle,
    MemorySegment data,
    MemorySegment scales,
    MemorySegment zeros,
    MemorySegment shifts)
    implements Panels {

  IntegerPanels {
    if (bits != 8 && bits != 4) {
      throw new IllegalArgumentException("bits=" + bits + ": panels hold 4 or 8");
    }
  }

  /** What is added to an integer times its scale: the same number for all, or one a group. */
  private enum Shift {
    MIDDLE,
    ZEROS,
    FLOATS
  }

  private static IntegerPanels allocate(
      int rows, int cols, int bits, int group, int middle, Shift shift, Arena arena) {
    long panels = (rows + PANEL - 1L) / PANEL;
    long bytesDown = bits == 8 ? cols : (cols + 1L) / 2;
    long groups = (cols + group - 1L) / group;
    int slack = BYTES.length() - LANES; // at 128 bits the last load reads past its column
    return new IntegerPanels(
        rows,
        cols,
        bits,
        group,
        middle,
        arena.allocate(panels * bytesDown * PANEL + slack, Tensor.ALIGNMENT),
        arena.allocate(panels * groups * PANEL * 4, Tensor.ALIGNMENT),
        shift == Shift.ZEROS
            ? arena.allocate(panels * groups * PANEL + slack, Tensor.ALIGNMENT)
            : null,
        shift == Shift.FLOATS
            ? arena.allocate(panels * groups * PANEL * 4, Tensor.ALIGNMENT)
            : null);
  }

  static IntegerPanels pack(Tensor weight, Affine type, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int group = type.groupColumns(cols);
    IntegerPanels packed =
        allocate(
            rows,
            cols,
            type.bits(),
            group,
            type.middle(),
            type.symmetric() ? Shift.MIDDLE : Shift.ZEROS,
            arena);
    int rowBytes = (int) type.rowBytes(cols);
    int groups = type.groups(cols);
    pool.run(
        packed.panels(),
        p -> {
          byte[] row = new byte[rowBytes];
          float[] rowScales = new float[groups];
          for (int n = p * PANEL; n < Math.min(rows, (p + 1) * PANEL); n++) {
            MemorySegment.copy(weight.data(), JAVA_BYTE, (long) n * rowBytes, row, 0, rowBytes);
            packed.setRow(n, row); // a row's bytes are in the panel's order already
            Layouts.decode(weight.scales(), n, rowScales);
            packed.setScales(n, rowScales);
            for (int g = 0; g < groups && !type.symmetric(); g++) {
              byte zero = weight.zeros().data().get(JAVA_BYTE, (long) n * groups + g);
              packed.zeros.set(JAVA_BYTE, packed.groupAt(n, g), zero);
            }
          }
        });
    return packed;
  }

  /**
   * Types of up to 4 bits keep them; those of 5, 6 and 8 take a byte a number.
   *
   * <p>Scales are F32, so that a group of 16 with a shift (Q2_K) takes 4 more bits a number.
   */
  static IntegerPanels pack(Tensor weight, Block type, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    boolean nibbles = type.bits() <= 4;
    int middle = nibbles ? type.middle() : 0;
    Shift shift = type.shifted() ? Shift.FLOATS : Shift.MIDDLE;
    IntegerPanels packed =
        allocate(rows, cols, nibbles ? 4 : 8, type.group(), middle, shift, arena);
    pool.run(
        packed.panels(),
        p -> {
          IntegerRow row = IntegerRow.of(type, cols);
          for (int n = p * PANEL; n < Math.min(rows, (p + 1) * PANEL); n++) {
            Layouts.integers(weight, n, row);
            packed.setRow(n, nibbles ? pairs(row.integers(), middle) : row.integers());
            packed.setScales(n, row.scales());
            if (row.shifts() != null) {
              packed.setFloats(packed.shifts, n, row.shifts());
            }
          }
        });
    return packed;
  }

  /** Two columns a byte, the even one in the low nibble. */
  private static byte[] pairs(byte[] integers, int middle) {
    byte[] pairs = new byte[integers.length / 2];
    for (int i = 0; i < pairs.length; i++) {
      pairs[i] = (byte) (integers[2 * i] + middle | integers[2 * i + 1] + middle << 4);
    }
    return pairs;
  }

  private void setRow(int n, byte[] integers) {
    long at = (long) (n / PANEL) * bytesDown() * PANEL + n % PANEL;
    for (int i = 0; i < bytesDown(); i++) {
      data.set(JAVA_BYTE, at + (long) i * PANEL, integers[i]);
    }
  }

  private void setScales(int n, float[] rowScales) {
    setFloats(scales, n, rowScales);
  }

  private void setFloats(MemorySegment to, int n, float[] from) {
    for (int g = 0; g < from.length; g++) {
      // a denormal factor would slow every multiplication; what it scales is nothing
      to.set(Tensor.FLOAT, groupAt(n, g) * 4, Math.abs(from[g]) < Float.MIN_NORMAL ? 0 : from[g]);
    }
  }

  private int bytesDown() {
    return bits == 8 ? cols : (cols + 1) / 2;
  }

  private long groupAt(int n, int g) {
    int groups = (cols + group - 1) / group;
    return ((long) (n / PANEL) * groups + g) * PANEL + n % PANEL;
  }

  @Override
  public long packedBytes() {
    return data.byteSize()
        + scales.byteSize()
        + (zeros == null ? 0 : zeros.byteSize())
        + (shifts == null ? 0 : shifts.byteSize());
  }

  @Override
  public void widen(int panel, int from, int to, float[] out) {
    long panelAt = (long) panel * bytesDown() * PANEL;
    int k = from;
    while (k < to) {
      int g = k / group;
      int end = Math.min(to, (g + 1) * group);
      long groupAt = groupAt(panel * PANEL, g);
      if (bits == 8) {
        widen8(panelAt + (long) k * PANEL, groupAt, end - k, out, (k - from) * PANEL);
      } else {
        widen4(panelAt + (long) (k / 2) * PANEL, groupAt, end - k, out, (k - from) * PANEL);
      }
      k = end;
    }
  }

  /** {@code w = q * scale + shift}, shift = -zero * scale where none is stored. */
  private void widen8(long at, long groupAt, int depth, float[] out, int outAt) {
    FloatVector scale0 = FloatVector.fromMemorySegment(FLOATS, scales, groupAt * 4, ORDER);
    FloatVector scale1 =
        FloatVector.fromMemorySegment(FLOATS, scales, (groupAt + LANES) * 4, ORDER);
    FloatVector shift0 = shift(groupAt, scale0);
    FloatVector shift1 = shift(groupAt + LANES, scale1);
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

  private void widen4(long at, long groupAt, int depth, float[] out, int outAt) {
    FloatVector scale0 = FloatVector.fromMemorySegment(FLOATS, scales, groupAt * 4, ORDER);
    FloatVector scale1 =
        FloatVector.fromMemorySegment(FLOATS, scales, (groupAt + LANES) * 4, ORDER);
    FloatVector shift0 = shift(groupAt, scale0);
    FloatVector shift1 = shift(groupAt + LANES, scale1);
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

  private FloatVector shift(long at, FloatVector scale) {
    if (shifts != null) {
      return FloatVector.fromMemorySegment(FLOATS, shifts, at * 4, ORDER);
    }
    if (zeros == null) {
      return scale.mul(-middle);
    }
    FloatVector zero =
        (FloatVector)
            ByteVector.fromMemorySegment(BYTES, zeros, at, ORDER).convertShape(B2F, FLOATS, 0);
    return zero.neg().mul(scale);
  }
}
