package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.PanelProduct.rowsFrom;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Rows times a packed matrix. A task takes some rows and some panels, and goes through the input
 * features block by block: a block of its rows then stays in the second-level cache while all its
 * panels pass, and a block of a panel in the first while all its rows do. Sums wait in y between
 * two blocks.
 */
record X86Linear(
    Tensor x,
    Input input,
    Panels weight,
    Tensor bias,
    Activation activation,
    Tensor y,
    X86Code code) {
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
    int panels = weight.panels();
    long work = (long) rows * weight.rows() * weight.cols();
    boolean few = tiled() && rows > AmxForm.ROWS; // each makes its rows ready first
    int most = pool.threads() * (few ? TILED_TASKS_EACH : TASKS_EACH);
    int wanted = Math.clamp(work / LEAST_WORK, 1, most);
    int height = tiled() ? AmxForm.ROWS : code.product().height();
    int parts = rowParts(rows, wanted);
    int tiles = ((rows + parts - 1) / parts + height - 1) / height;
    int rowsEach = Math.min(rows, tiles * height);
    int rowTasks = (rows + rowsEach - 1) / rowsEach;
    int panelParts = Math.clamp((wanted + rowTasks - 1) / rowTasks, 1, panels);
    int panelsEach = (panels + panelParts - 1) / panelParts;
    int panelTasks = (panels + panelsEach - 1) / panelsEach;
    if (rowTasks == 1) { // tasks share what was made ready
      try (PanelProduct product = PanelProduct.of(x, 0, rows, input, weight, code)) {
        pool.run(
            panelTasks,
            task -> {
              int panel = task * panelsEach;
              part(product, 0, rows, panel, Math.min(panels, panel + panelsEach));
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
          try (PanelProduct product = PanelProduct.of(x, row, count, input, weight, code)) {
            part(product, row, count, panel, Math.min(panels, panel + panelsEach));
          }
        });
  }

  /**
   * How often rows are cut: where tasks round them, so that as few as may be round the same ones.
   */
  private int rowParts(int rows, int wanted) {
    if (tiled()) {
      int most = (int) Math.max(1, TILED_BYTES / rowBytes());
      int parts = (rows + most - 1) / most;
      boolean near = weight.packedBytes() <= NEAR_BYTES && TileProduct.multiplies(weight);
      return near ? Math.max(parts, Math.clamp(rows / AmxForm.ROWS, 1, wanted)) : parts;
    }
    if (weight instanceof WidenedPanels) {
      return (rows + MOST_ROWS - 1) / MOST_ROWS;
    }
    int most = Math.clamp(ROUNDED_BYTES / (weight.cols() * Short.BYTES), ROUNDED_ROWS, MOST_ROWS);
    return Math.max((rows + most - 1) / most, Math.clamp(rows / ROUNDED_ROWS, 1, wanted));
  }

  private boolean tiled() {
    return TileProduct.multiplies(weight)
        || blocksByTiles()
        || weight instanceof SparsePanels some && TiledSparseProduct.multiplies(some, x.rows());
  }

  private boolean blocksByTiles() {
    return weight instanceof BlockPanels && TiledBlockProduct.multiplies(x.rows(), code);
  }

  /** Of what is {@link #tiled}: bytes of a row that stay in a cache. */
  private long rowBytes() {
    return weight instanceof BlockPanels blocks
        ? TiledBlockProduct.rowBytes(blocks)
        : TileProduct.form(weight).rowBytes(weight.cols());
  }

  private void part(PanelProduct product, int row, int rows, int fromPanel, int toPanel) {
    int columns = weight.columns();
    int partial = weight.rows() % columns; // columns of the last panel, if it is not whole
    int wholePanels = toPanel - (partial > 0 && toPanel == weight.panels() ? 1 : 0);
    if (fromPanel < wholePanels) {
      int count = (wholePanels - fromPanel) * columns;
      MemorySegment out = rowsFrom(y, row, rows, fromPanel * columns, count);
      long outStride = y.cols() * Float.BYTES;
      product.multiply(fromPanel, wholePanels, out, outStride, bias(fromPanel, wholePanels));
    }
    if (wholePanels < toPanel) {
      lastPanel(product, row, rows, partial);
    }
    if (activation != Activation.NONE) {
      int from = fromPanel * columns;
      int to = Math.min(weight.rows(), toPanel * columns);
      activate(row, rows, from, to - from);
    }
  }

  /** Columns that y has no room for: they are made beside it. */
  private void lastPanel(PanelProduct product, int row, int rows, int columns) {
    int panel = weight.panels() - 1;
    long stride = (long) weight.columns() * Float.BYTES;
    long first = panel * stride;
    long bytes = (long) columns * Float.BYTES;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment beside = arena.allocate(rows * stride, Tensor.ALIGNMENT);
      MemorySegment start = MemorySegment.NULL;
      if (bias != null) {
        start = arena.allocate(stride, Tensor.ALIGNMENT);
        MemorySegment.copy(bias.data(), first, start, 0, bytes);
      }
      product.multiply(panel, panel + 1, beside, stride, start);
      long outStride = y.cols() * Float.BYTES;
      for (int r = 0; r < rows; r++) {
        MemorySegment.copy(beside, r * stride, y.data(), (row + r) * outStride + first, bytes);
      }
    }
  }

  private MemorySegment bias(int fromPanel, int toPanel) {
    long stride = (long) weight.columns() * Float.BYTES;
    return bias == null
        ? MemorySegment.NULL
        : bias.data().asSlice(fromPanel * stride, (toPanel - fromPanel) * stride);
  }

  private void activate(int row, int rows, int from, int count) {
    MemorySegment out = rowsFrom(y, row, rows, from, count);
    long stride = y.cols() * Float.BYTES;
    code.activation(activation).run(out, stride, MemorySegment.NULL, out, stride, rows, count);
  }
}
