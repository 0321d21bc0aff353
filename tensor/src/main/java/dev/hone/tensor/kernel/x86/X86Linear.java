package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.parallel.ComputePool;
import java.util.List;

/**
 * Rows times a packed matrix, or several that share what rows are made ready for. A task takes some
 * rows and some panels, and goes through the input features block by block: a block of its rows
 * then stays in the second-level cache while all its panels pass, and a block of a panel in the
 * first while all its rows do. Sums wait in y between two blocks.
 */
record X86Linear(Tensor x, Input input, List<LinearPart> parts, X86Code code) {
  /** Rows of a task, at most: with 384 features they take 190 KB. */
  private static final int MOST_ROWS = 126;

  /** Rows of a task that rounds them, where there are enough: a panel is read once for these. */
  private static final int ROUNDED_ROWS = 24;

  /** What the rows of a task may take of the second-level cache where tiles multiply them. */
  private static final int TILED_BYTES = 1 << 20;

  /** A weight that a cache holds: rows are cut, so that each is made ready for tiles once. */
  private static final int NEAR_BYTES = 4 << 20;

  /** What the rounded rows of a task may take of the second-level cache. */
  private static final int ROUNDED_BYTES = 256 << 10;

  /** Tasks for each thread, so that none waits long for another. */
  private static final int TASKS_EACH = 6;

  private static final int TILED_TASKS_EACH = 2;

  /** Multiplications below which a task is not worth handing over. */
  private static final long LEAST_WORK = 200_000;

  void run(ComputePool pool) {
    int rows = (int) x.rows();
    if (rows == 0) {
      return;
    }
    int panels = 0;
    long columns = 0;
    for (LinearPart part : parts) {
      panels += part.weight().panels();
      columns += part.weight().rows();
    }
    run(pool, rows, panels, rows * columns * x.cols());
  }

  private void run(ComputePool pool, int rows, int panels, long work) {
    boolean few = tiled() && rows > AmxForm.ROWS; // each makes its rows ready first
    int most = pool.threads() * (few ? TILED_TASKS_EACH : TASKS_EACH);
    int wanted = Math.clamp(work / LEAST_WORK, 1, most);
    int height = tiled() ? AmxForm.ROWS : code.product().height();
    int cuts = rowParts(rows, wanted);
    int tiles = ((rows + cuts - 1) / cuts + height - 1) / height;
    int rowsEach = Math.min(rows, tiles * height);
    int rowTasks = (rows + rowsEach - 1) / rowsEach;
    int panelParts = Math.clamp((wanted + rowTasks - 1) / rowTasks, 1, panels);
    int panelsEach = (panels + panelParts - 1) / panelParts;
    int panelTasks = (panels + panelsEach - 1) / panelsEach;
    if (rowTasks == 1) { // tasks share what was made ready
      try (PanelProduct product = PanelProduct.of(x, 0, rows, input, weight(), code)) {
        pool.run(
            panelTasks,
            task -> {
              int panel = task * panelsEach;
              multiply(product, 0, rows, panel, Math.min(panels, panel + panelsEach));
            });
      }
      return;
    }
    pool.run(
        rowTasks * panelTasks,
        task -> {
          int row = task / panelTasks * rowsEach;
          int count = Math.min(rowsEach, rows - row);
          int panel = task % panelTasks * panelsEach;
          try (PanelProduct product = PanelProduct.of(x, row, count, input, weight(), code)) {
            multiply(product, row, count, panel, Math.min(panels, panel + panelsEach));
          }
        });
  }

  /**
   * How often rows are cut: where tasks round them, so that as few as may be round the same ones.
   */
  private int rowParts(int rows, int wanted) {
    if (tiled()) {
      int most = (int) Math.max(1, TILED_BYTES / rowBytes());
      int least = (rows + most - 1) / most;
      boolean near = packedBytes() <= NEAR_BYTES && TileProduct.multiplies(weight());
      return near ? Math.max(least, Math.clamp(rows / AmxForm.ROWS, 1, wanted)) : least;
    }
    if (weight() instanceof WidenedPanels) {
      return (rows + MOST_ROWS - 1) / MOST_ROWS;
    }
    int most = Math.clamp(ROUNDED_BYTES / (weight().cols() * Short.BYTES), ROUNDED_ROWS, MOST_ROWS);
    return Math.max((rows + most - 1) / most, Math.clamp(rows / ROUNDED_ROWS, 1, wanted));
  }

  private boolean tiled() {
    Panels weight = weight();
    return TileProduct.multiplies(weight)
        || weight instanceof BlockPanels && TiledBlockProduct.multiplies(x.rows(), code)
        || weight instanceof SparsePanels some && TiledSparseProduct.multiplies(some, x.rows());
  }

  /** The one that rows are made ready for. */
  private Panels weight() {
    return parts.getFirst().weight();
  }

  private long packedBytes() {
    return parts.stream().mapToLong(part -> part.weight().packedBytes()).sum();
  }

  /** Of what is {@link #tiled}: bytes of a row that stay in a cache. */
  private long rowBytes() {
    return weight() instanceof BlockPanels blocks
        ? TiledBlockProduct.rowBytes(blocks)
        : TileProduct.form(weight()).rowBytes(weight().cols());
  }

  /** Multiplies some rows with some of the panels, which count through all weights. */
  private void multiply(PanelProduct product, int row, int rows, int fromPanel, int toPanel) {
    int first = 0; // panel of this part
    for (LinearPart part : parts) {
      int panels = part.weight().panels();
      int from = Math.max(0, fromPanel - first);
      int to = Math.min(panels, toPanel - first);
      if (from < to) {
        part.multiply(product, row, rows, from, to, code);
      }
      first += panels;
    }
  }
}
