package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Tiles.DEPTH;
import static dev.hone.tensor.kernel.vector.Tiles.STRIDE;
import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static dev.hone.tensor.kernel.vector.Vectors.ORDER;
import static dev.hone.tensor.kernel.vector.Vectors.PANEL;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Rows times a packed matrix. A task takes some rows and some panels: it copies its rows once,
 * rounded where the matrix asks for it, and for each panel widens {@link Tiles#DEPTH} input
 * features at a time into the first-level cache, multiplies all its rows with them, and finishes
 * the panel's columns (bias, activation) while they are hot.
 */
record VectorLinear(
    Tensor x,
    Input input,
    WidenedPanels weight,
    Tensor bias,
    Activation activation,
    Tensor y,
    Scratch.Shelf shelf) {
  /** Floats of activations that a task copies: they stay in the second-level cache. */
  private static final int ROWS_FLOATS = 128 * 1024;

  private static final int MOST_ROWS = 240;

  /** Multiplications below which a task is not worth handing over. */
  private static final long LEAST_WORK = 400_000;

  void run(ComputePool pool) {
    int rows = (int) x.rows();
    int cols = weight.cols();
    if (rows == 0) {
      return;
    }
    int most = Math.clamp(ROWS_FLOATS / cols, 24, MOST_ROWS);
    int rowParts = (rows + most - 1) / most;
    int rowsEach = (rows + rowParts - 1) / rowParts;
    rowsEach = Math.min(rows, (rowsEach + 5) / 6 * 6);
    int rowTasks = (rows + rowsEach - 1) / rowsEach;
    int panels = weight.panels();
    long work = (long) rows * cols * weight.rows();
    long wanted = Math.min(pool.threads() * 6L, Math.max(1, work / LEAST_WORK));
    int panelParts = Math.clamp((wanted + rowTasks - 1) / rowTasks, 1, panels);
    int panelsEach = (panels + panelParts - 1) / panelParts;
    int panelTasks = (panels + panelsEach - 1) / panelsEach;
    int each = rowsEach;
    pool.run(
        rowTasks * panelTasks,
        task -> {
          int row = task / panelTasks * each;
          int panel = task % panelTasks * panelsEach;
          Scratch scratch = shelf.take();
          multiply(
              row,
              Math.min(rows, row + each),
              panel,
              Math.min(panels, panel + panelsEach),
              scratch);
          shelf.putBack(scratch);
        });
  }

  private void multiply(int fromRow, int toRow, int fromPanel, int toPanel, Scratch scratch) {
    int rows = toRow - fromRow;
    int cols = weight.cols();
    int padded = Tiles.padded(rows);
    float[] a = scratch.a = Scratch.atLeast(scratch.a, Tiles.blocks(rows, cols));
    float[] b = scratch.b = Scratch.atLeast(scratch.b, (DEPTH + 1) * PANEL);
    float[] c = scratch.c = Scratch.atLeast(scratch.c, padded * PANEL);
    for (int r = 0; r < rows; r++) {
      MemorySegment in =
          input.equals(Input.FLOAT)
              ? x.row(fromRow + r)
              : MemorySegment.ofArray(rounded(fromRow + r, scratch));
      for (int k = 0, block = 0; k < cols; k += DEPTH, block += padded * STRIDE) {
        int depth = Math.min(DEPTH, cols - k);
        MemorySegment.copy(in, Tensor.FLOAT, k * 4L, a, block + r * STRIDE, depth);
      }
    }
    for (int panel = fromPanel; panel < toPanel; panel++) {
      startWithBias(panel, padded, c);
      for (int k = 0, block = 0; k < cols; k += DEPTH, block += padded * STRIDE) {
        int depth = Math.min(DEPTH, cols - k);
        Widening.widen(weight, panel, k, k + depth, b);
        Tiles.multiply(a, block, rows, b, 0, depth, c, 0, PANEL);
      }
      Activations.apply(activation, c, rows * PANEL);
      store(c, fromRow, rows, panel);
    }
  }

  /** A row that is rounded as a whole. */
  private float[] rounded(int r, Scratch scratch) {
    int cols = weight.cols();
    float[] row = scratch.d = scratch.d.length == cols ? scratch.d : new float[cols];
    MemorySegment.copy(x.data(), Tensor.FLOAT, (long) r * cols * Float.BYTES, row, 0, cols);
    input.round(row);
    return row;
  }

  private void startWithBias(int panel, int rows, float[] c) {
    int first = panel * PANEL;
    if (bias == null) {
      java.util.Arrays.fill(c, 0, rows * PANEL, 0);
      return;
    }
    int count = Math.min(PANEL, weight.rows() - first);
    MemorySegment.copy(bias.data(), Tensor.FLOAT, first * 4L, c, 0, count);
    java.util.Arrays.fill(c, count, PANEL, 0);
    FloatVector b0 = FloatVector.fromArray(FLOATS, c, 0);
    FloatVector b1 = FloatVector.fromArray(FLOATS, c, LANES);
    for (int r = 1; r < rows; r++) {
      b0.intoArray(c, r * PANEL);
      b1.intoArray(c, r * PANEL + LANES);
    }
  }

  private void store(float[] c, int fromRow, int rows, int panel) {
    MemorySegment out = y.data();
    long rowBytes = weight.rows() * 4L;
    long at = fromRow * rowBytes + panel * (PANEL * 4L);
    int count = Math.min(PANEL, weight.rows() - panel * PANEL);
    if (count < PANEL) {
      for (int r = 0; r < rows; r++) {
        MemorySegment.copy(c, r * PANEL, out, Tensor.FLOAT, at + r * rowBytes, count);
      }
      return;
    }
    for (int r = 0; r < rows; r++) {
      FloatVector.fromArray(FLOATS, c, r * PANEL).intoMemorySegment(out, at + r * rowBytes, ORDER);
      FloatVector.fromArray(FLOATS, c, r * PANEL + LANES)
          .intoMemorySegment(out, at + r * rowBytes + LANES * 4L, ORDER);
    }
  }
}
