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
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Panels of integers with a scale for each group of input features: every quantized type so far.
 *
 * <pre>
 *   8 bits   [k][PANEL] signed bytes
 *   4 bits   [k / 2][PANEL] bytes: the even k in the low nibble, 0..15
 *   scales   [group][PANEL] floats       zeros   [group][PANEL] signed bytes, null: all {@code middle}
 * </pre>
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
    MemorySegment zeros)
    implements Panels {

  IntegerPanels {
    if (bits != 8 && bits != 4) {
      throw new IllegalArgumentException("bits=" + bits + ": panels hold 4 or 8");
    }
  }

  private static IntegerPanels allocate(
      int rows, int cols, int bits, int group, int middle, boolean symmetric, Arena arena) {
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
        symmetric ? null : arena.allocate(panels * groups * PANEL + slack, Tensor.ALIGNMENT));
  }

  static IntegerPanels pack(Tensor weight, Affine type, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int group = type.groupColumns(cols);
    IntegerPanels packed =
        allocate(rows, cols, type.bits(), group, type.middle(), type.symmetric(), arena);
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

  static IntegerPanels pack(Tensor weight, Block type, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    IntegerPanels packed =
        allocate(rows, cols, type.bits(), type.columns(), type.middle(), true, arena);
    Unpacking unpacking = unpacking(type);
    int blockBytes = type.columns() * type.bits() / 8;
    int rowBytes = (int) type.rowBytes(cols);
    int blocks = cols / type.columns();
    pool.run(
        packed.panels(),
        p -> {
          byte[] row = new byte[rowBytes];
          byte[] integers = new byte[blocks * blockBytes];
          float[] rowScales = new float[blocks];
          for (int n = p * PANEL; n < Math.min(rows, (p + 1) * PANEL); n++) {
            MemorySegment.copy(weight.data(), JAVA_BYTE, (long) n * rowBytes, row, 0, rowBytes);
            for (int b = 0; b < blocks; b++) {
              int at = b * type.bytes();
              rowScales[b] = Float.float16ToFloat((short) (row[at] & 255 | row[at + 1] << 8));
              unpacking.copy(row, at + 2, integers, b * blockBytes);
            }
            packed.setRow(n, integers);
            packed.setScales(n, rowScales);
          }
        });
    return packed;
  }

  /** Puts the integers of a block in the panel's order. */
  private interface Unpacking {
    void copy(byte[] from, int fromAt, byte[] to, int toAt);
  }

  private static Unpacking unpacking(Block type) {
    return switch (type) {
      case Q8_0 -> (from, fromAt, to, toAt) -> System.arraycopy(from, fromAt, to, toAt, 32);
      case Q4_0 -> IntegerPanels::pairNeighbours;
    };
  }

  /** From Q4_0's pairs (i, i + 16) to pairs (2 i, 2 i + 1). */
  private static void pairNeighbours(byte[] from, int fromAt, byte[] to, int toAt) {
    for (int i = 0; i < 8; i++) {
      int even = from[fromAt + 2 * i];
      int odd = from[fromAt + 2 * i + 1];
      to[toAt + i] = (byte) (even & 15 | (odd & 15) << 4);
      to[toAt + 8 + i] = (byte) (even >>> 4 & 15 | odd & 0xF0);
    }
  }

  private void setRow(int n, byte[] integers) {
    long at = (long) (n / PANEL) * bytesDown() * PANEL + n % PANEL;
    for (int i = 0; i < bytesDown(); i++) {
      data.set(JAVA_BYTE, at + (long) i * PANEL, integers[i]);
    }
  }

  private void setScales(int n, float[] rowScales) {
    for (int g = 0; g < rowScales.length; g++) {
      float scale = rowScales[g];
      // a denormal factor would slow every multiplication; what it scales is nothing
      scales.set(Tensor.FLOAT, groupAt(n, g) * 4, Math.abs(scale) < Float.MIN_NORMAL ? 0 : scale);
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
    return data.byteSize() + scales.byteSize() + (zeros == null ? 0 : zeros.byteSize());
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

  /** {@code w = q * scale + shift}, shift = -zero * scale. */
  private void widen8(long at, long groupAt, int depth, float[] out, int outAt) {
    FloatVector scale0 = FloatVector.fromMemorySegment(FLOATS, scales, groupAt * 4, ORDER);
    FloatVector scale1 =
        FloatVector.fromMemorySegment(FLOATS, scales, (groupAt + LANES) * 4, ORDER);
    FloatVector shift0 = zero(groupAt).neg().mul(scale0);
    FloatVector shift1 = zero(groupAt + LANES).neg().mul(scale1);
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
    FloatVector shift0 = zero(groupAt).neg().mul(scale0);
    FloatVector shift1 = zero(groupAt + LANES).neg().mul(scale1);
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

  private FloatVector zero(long at) {
    if (zeros == null) {
      return FloatVector.broadcast(FLOATS, middle);
    }
    return (FloatVector)
        ByteVector.fromMemorySegment(BYTES, zeros, at, ORDER).convertShape(B2F, FLOATS, 0);
  }
}
