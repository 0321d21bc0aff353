package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.INTS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static dev.hone.tensor.kernel.vector.Vectors.ORDER;
import static dev.hone.tensor.kernel.vector.Vectors.PANEL;
import static dev.hone.tensor.kernel.vector.Vectors.SHORTS;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** Panels of F32, F16 or BF16. */
record FloatPanels(Plain type, int rows, int cols, MemorySegment data) implements Panels {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static FloatPanels pack(Tensor weight, Plain type, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int panels = (rows + PANEL - 1) / PANEL;
    MemorySegment data =
        arena.allocate((long) panels * cols * PANEL * type.bytes(), Tensor.ALIGNMENT);
    FloatPanels packed = new FloatPanels(type, rows, cols, data);
    MemorySegment source = weight.data();
    pool.run(
        panels,
        p -> {
          if (type == Plain.F32) {
            packed.packFloats(source, p);
          } else {
            packed.packHalves(source, p);
          }
        });
    return packed;
  }

  private void packFloats(MemorySegment source, int panel) {
    float[] row = new float[cols];
    float[] block = new float[cols * PANEL];
    for (int j = 0; j < Math.min(PANEL, rows - panel * PANEL); j++) {
      long at = ((long) panel * PANEL + j) * cols * 4;
      MemorySegment.copy(source, Tensor.FLOAT, at, row, 0, cols);
      for (int k = 0; k < cols; k++) {
        block[k * PANEL + j] = row[k];
      }
    }
    MemorySegment.copy(block, 0, data, Tensor.FLOAT, panelAt(panel), block.length);
  }

  private void packHalves(MemorySegment source, int panel) {
    short[] row = new short[cols];
    short[] block = new short[cols * PANEL];
    for (int j = 0; j < Math.min(PANEL, rows - panel * PANEL); j++) {
      long at = ((long) panel * PANEL + j) * cols * 2;
      MemorySegment.copy(source, SHORT, at, row, 0, cols);
      for (int k = 0; k < cols; k++) {
        block[k * PANEL + j] = row[k];
      }
    }
    MemorySegment.copy(block, 0, data, SHORT, panelAt(panel), block.length);
  }

  private long panelAt(int panel) {
    return (long) panel * cols * PANEL * type.bytes();
  }

  @Override
  public long packedBytes() {
    return data.byteSize();
  }

  @Override
  public void widen(int panel, int from, int to, float[] out) {
    long at = panelAt(panel) + (long) from * PANEL * type.bytes();
    int count = (to - from) * PANEL;
    switch (type) {
      case F32 -> MemorySegment.copy(data, Tensor.FLOAT, at, out, 0, count);
      case F16 -> widenF16(at, count, out);
      case BF16 -> widenBf16(at, count, out);
      case F64, I64, I32, I16, I8, U8, BOOL -> throw new IllegalStateException(type.label());
    }
  }

  private void widenBf16(long at, int count, float[] out) {
    for (int i = 0; i < count; i += LANES) {
      ShortVector half = ShortVector.fromMemorySegment(SHORTS, data, at + i * 2L, ORDER);
      IntVector bits = (IntVector) half.convertShape(ZERO_EXTEND_S2I, INTS, 0);
      bits.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(out, i);
    }
  }

  /** By exponent arithmetic: subnormal halves must not become subnormal floats on the way. */
  private void widenF16(long at, int count, float[] out) {
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
      magnitude.or(sign).reinterpretAsFloats().intoArray(out, i);
    }
  }
}
