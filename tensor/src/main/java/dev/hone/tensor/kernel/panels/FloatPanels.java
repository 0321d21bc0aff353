package dev.hone.tensor.kernel.panels;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Panels of F32, F16 or BF16. */
public record FloatPanels(Plain type, int rows, int cols, int columns, MemorySegment data)
    implements WidenedPanels {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static FloatPanels pack(Tensor weight, Plain type, int columns, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int panels = (rows + columns - 1) / columns;
    MemorySegment data =
        arena.allocate((long) panels * cols * columns * type.bytes(), Tensor.ALIGNMENT);
    FloatPanels packed = new FloatPanels(type, rows, cols, columns, data);
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
    float[] block = new float[cols * columns];
    for (int j = 0; j < Math.min(columns, rows - panel * columns); j++) {
      long at = ((long) panel * columns + j) * cols * 4;
      MemorySegment.copy(source, Tensor.FLOAT, at, row, 0, cols);
      for (int k = 0; k < cols; k++) {
        block[k * columns + j] = row[k];
      }
    }
    MemorySegment.copy(block, 0, data, Tensor.FLOAT, at(panel, 0), block.length);
  }

  private void packHalves(MemorySegment source, int panel) {
    short[] row = new short[cols];
    short[] block = new short[cols * columns];
    for (int j = 0; j < Math.min(columns, rows - panel * columns); j++) {
      long at = ((long) panel * columns + j) * cols * 2;
      MemorySegment.copy(source, SHORT, at, row, 0, cols);
      for (int k = 0; k < cols; k++) {
        block[k * columns + j] = row[k];
      }
    }
    MemorySegment.copy(block, 0, data, SHORT, at(panel, 0), block.length);
  }

  /** Where input feature {@code k} of a panel lies, in bytes. */
  public long at(int panel, int k) {
    return ((long) panel * cols + k) * columns * type.bytes();
  }

  @Override
  public long packedBytes() {
    return data.byteSize();
  }
}
