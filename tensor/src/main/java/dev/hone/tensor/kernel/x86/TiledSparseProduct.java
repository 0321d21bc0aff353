package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.x86.AmxProductKernel.Factors;
import java.lang.foreign.MemorySegment;

/**
 * Many rows with panels that lack their zeros: each panel is made ready for tiles, zeros among its
 * numbers, and multiplied.
 */
final class TiledSparseProduct implements PanelProduct {
  private final int rows;
  private final AmxForm form;
  private final X86Code code;
  private final long steps;
  private final MemorySegment numbers;

  TiledSparseProduct(Tensor x, int row, int rows, SparsePanels weight, X86Code code) {
    this.rows = rows;
    this.code = code;
    form = TileProduct.form(weight);
    steps = form.steps(weight.cols());
    numbers = code.scratch().take(form.rowsBytes(rows, steps));
    MemorySegment floats = PanelProduct.rowsFrom(x, row, rows, 0, weight.cols());
    code.tiles().rows(form).run(floats, x.cols() * Float.BYTES, rows, weight.cols(), numbers);
  }

  /** Whether panels of a weight are to be as wide as two tiles: whole steps of what tiles take. */
  static boolean fits(Tensor weight) {
    return TilePanels.fits(weight) && weight.cols() % TilePanels.STEP == 0;
  }

  /** Whether an input of so many rows is multiplied so. */
  static boolean multiplies(SparsePanels weight, long rows) {
    return weight.columns() == AmxForm.COLUMNS && rows > SparseRowsKernel.MOST_ROWS;
  }

  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    SparsePanels weight = (SparsePanels) panels;
    long width = (long) weight.columns() * Float.BYTES;
    MemorySegment panel = code.scratch().take(steps * form.panelStep());
    MemorySegment sums = code.scratch().take(AmxProductKernel.sumBytes(form, rows, steps));
    for (int p = fromPanel; p < toPanel; p++) {
      long column = (p - fromPanel) * width;
      MemorySegment bits = weight.bits().asSlice(weight.bitsAt(p, 0));
      MemorySegment some = weight.numbers().asSlice(weight.numberAt(p, 0));
      code.tiles().sparse(form).run(bits, some, panel, steps);
      MemorySegment start = target.start().at(p - fromPanel);
      MemorySegment out = target.out().asSlice(column);
      code.tiles()
          .product(form)
          .run(numbers, panel, out, target.stride(), rows, steps, 1, start, 0, sums, Factors.NONE);
    }
    code.scratch().putBack(sums);
    code.scratch().putBack(panel);
  }

  @Override
  public void close() {
    code.scratch().putBack(numbers);
  }
}
