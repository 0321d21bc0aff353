package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An F32 weight matrix [out, in] cut into panels of some output features side by side, the last
 * filled up with zeros.
 *
 * <pre>
 *   panel p:   k = 0   | w[p N, 0]  w[p N + 1, 0]  ...  w[p N + N - 1, 0] |     N = columns
 *              k = 1   | w[p N, 1]  w[p N + 1, 1]  ...                    |
 *              ...
 * </pre>
 *
 * @param columns output features of a panel
 */
record FloatPanels(int rows, int cols, int columns, MemorySegment data) implements PackedMatrix {

  static FloatPanels pack(Tensor weight, int columns, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int panels = (rows + columns - 1) / columns;
    MemorySegment data =
        arena.allocate((long) panels * cols * columns * Float.BYTES, Tensor.ALIGNMENT);
    FloatPanels packed = new FloatPanels(rows, cols, columns, data);
    pool.run(panels, panel -> packed.fill(panel, weight.data()));
    return packed;
  }

  private void fill(int panel, MemorySegment weight) {
    float[] row = new float[cols];
    float[] block = new float[cols * columns];
    for (int j = 0; j < Math.min(columns, rows - panel * columns); j++) {
      long at = ((long) panel * columns + j) * cols * Float.BYTES;
      MemorySegment.copy(weight, Tensor.FLOAT, at, row, 0, cols);
      for (int k = 0; k < cols; k++) {
        block[k * columns + j] = row[k];
      }
    }
    MemorySegment.copy(block, 0, panel(panel, 0, cols), Tensor.FLOAT, 0, block.length);
  }

  /** Input features {@code from .. to} of a panel: [to - from][columns]. */
  MemorySegment panel(int panel, int from, int to) {
    long row = (long) columns * Float.BYTES;
    return data.asSlice(((long) panel * cols + from) * row, (to - from) * row);
  }

  int panels() {
    return (rows + columns - 1) / columns;
  }

  @Override
  public long packedBytes() {
    return data.byteSize();
  }
}
