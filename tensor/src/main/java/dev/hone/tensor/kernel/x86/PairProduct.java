package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.PairPanels;
import dev.hone.tensor.kernel.panels.Panels;
import java.lang.foreign.MemorySegment;

/** Rows rounded to BF16, with panels of BF16. */
final class PairProduct implements PanelProduct {
  private final int rows;
  private final X86Code code;
  private final MemorySegment numbers;

  PairProduct(Tensor x, int row, int rows, PairPanels weight, X86Code code) {
    this.rows = rows;
    this.code = code;
    numbers = code.scratch().take(rows * PairRowsKernel.rowBytes(weight.cols()));
    MemorySegment floats = PanelProduct.rowsFrom(x, row, rows, 0, weight.cols());
    code.pairs().rows().run(floats, x.cols() * Float.BYTES, rows, weight.cols(), numbers);
  }

  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    PairPanels weight = (PairPanels) panels;
    code.pairs()
        .product()
        .run(
            numbers,
            PairRowsKernel.rowBytes(weight.cols()),
            weight.data().asSlice(weight.at(fromPanel)),
            weight.at(1),
            target.out(),
            target.stride(),
            rows,
            weight.pairs(),
            toPanel - fromPanel,
            target.start().first(),
            target.start().step());
  }

  @Override
  public void close() {
    code.scratch().putBack(numbers);
  }
}
