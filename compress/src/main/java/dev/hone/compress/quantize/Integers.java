package dev.hone.compress.quantize;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.IntegerRow;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * A matrix on its grids: {@code w[r, c] = q[r, c] scale[r, g] + shift[r, g]}.
 *
 * @param q [row, column]
 * @param scales [row, group], as they are stored
 * @param shifts [row, group], as they are stored
 */
record Integers(Grid grid, int rows, int cols, byte[] q, float[] scales, float[] shifts) {

  static Integers room(Grid grid, int rows, int cols) {
    int group = grid.group(cols);
    grid.type().rowBytes(cols); // refuses rows that are no whole blocks
    int groups = (cols + group - 1) / group;
    return new Integers(
        grid,
        rows,
        cols,
        new byte[rows * cols],
        new float[rows * groups],
        new float[rows * groups]);
  }

  int group() {
    return grid.group(cols);
  }

  int groups() {
    return (cols + group() - 1) / group();
  }

  /** In the bytes of the storage type. */
  Tensor tensor(Arena arena, ComputePool pool) {
    Tensor tensor = Layouts.allocate(arena, grid.type(), grid.scaleType(), rows, cols);
    boolean shifted = grid.offset() != Grid.Offset.NONE;
    int groups = groups();
    pool.run(
        rows,
        row ->
            Layouts.write(
                new IntegerRow(
                    group(),
                    Arrays.copyOfRange(q, row * cols, (row + 1) * cols),
                    Arrays.copyOfRange(scales, row * groups, (row + 1) * groups),
                    shifted ? Arrays.copyOfRange(shifts, row * groups, (row + 1) * groups) : null),
                tensor,
                row));
    return tensor;
  }

  /** The numbers, [row, column]. */
  float[] floats() {
    float[] all = new float[q.length];
    int group = group();
    int groups = groups();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        int g = r * groups + c / group;
        all[r * cols + c] = q[r * cols + c] * scales[g] + shifts[g];
      }
    }
    return all;
  }

  /** What scales of affine types are stored in: as exact as blocks have them. */
  static final Plain SCALES = Plain.F16;
}
