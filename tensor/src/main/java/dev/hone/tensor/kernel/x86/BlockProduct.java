package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import java.lang.foreign.MemorySegment;

/** Rows rounded block by block, with panels of integers that have a scale for each block. */
final class BlockProduct implements PanelProduct {
  private final int rows;
  private final BlockPanels weight;
  private final X86Code code;
  private final BlockForm form;
  private final long rowBytes;
  private final MemorySegment integers;

  BlockProduct(Tensor x, int row, int rows, BlockPanels weight, X86Code code) {
    this.rows = rows;
    this.weight = weight;
    this.code = code;
    this.form = code.blocks().form(weight.form());
    BlockRoundingKernel rounding = code.blocks().rounding(form);
    this.rowBytes = rounding.rowBytes(weight.blocks());
    this.integers = code.scratch().take(rows * rowBytes);
    MemorySegment floats = PanelProduct.rowsFrom(x, row, rows, 0, weight.cols());
    rounding.run(floats, x.cols() * Float.BYTES, rows, weight.blocks(), integers);
  }

  @Override
  public int block() {
    return weight.cols();
  }

  @Override
  public void multiply(
      int fromPanel,
      int toPanel,
      int from,
      int to,
      MemorySegment out,
      long outStride,
      MemorySegment bias) {
    boolean biased = !bias.equals(MemorySegment.NULL);
    long at = weight.at(fromPanel);
    code.blocks()
        .product(form)
        .run(
            integers,
            rowBytes,
            weight.data().asSlice(at, weight.at(toPanel) - at),
            out,
            outStride,
            biased ? bias : code.zeros(),
            biased ? (long) weight.columns() * Float.BYTES : 0,
            rows,
            toPanel - fromPanel,
            weight.blocks());
  }

  @Override
  public void close() {
    code.scratch().putBack(integers);
  }
}
