package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.Panels;
import java.lang.foreign.MemorySegment;

/** Rows rounded block by block, with panels of integers that have a scale for each block. */
final class BlockProduct implements PanelProduct {
  private final int rows;

  /** Rows of a group; the last may have fewer. */
  private final int each;

  private final int blocks;
  private final X86Code code;
  private final BlockForm form;

  /** Group after group. */
  private final MemorySegment integers;

  BlockProduct(Tensor x, int row, int rows, BlockPanels weight, X86Code code) {
    this.rows = rows;
    int most = BlockProductKernel.MOST_ROWS;
    int groups = (rows + most - 1) / most;
    this.each = (rows + groups - 1) / groups;
    this.blocks = weight.blocks();
    this.code = code;
    this.form = code.blocks().form(weight.form());
    this.integers = code.scratch().take(rows * rowBytes());
    BlockRoundingKernel rounding = code.blocks().rounding(form);
    for (int from = 0; from < rows; from += each) {
      int height = Math.min(each, rows - from);
      MemorySegment floats = PanelProduct.rowsFrom(x, row + from, height, 0, weight.cols());
      MemorySegment out = integers.asSlice(from * rowBytes());
      rounding.run(floats, x.cols() * Float.BYTES, height, blocks, out);
    }
  }

  private long rowBytes() {
    return (long) blocks * form.rowBlockBytes();
  }

  /** One group of rows runs through all panels in one call; several take turns at each panel. */
  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    BlockPanels weight = (BlockPanels) panels;
    MemorySegment sums = code.scratch().take(BlockProductKernel.sumBytes(form, each));
    Start start = target.start();
    int most = each == rows ? toPanel - fromPanel : 1;
    for (int panel = fromPanel, count; panel < toPanel; panel += count) {
      count = Math.min(most, toPanel - panel);
      long column = (long) (panel - fromPanel) * weight.columns() * Float.BYTES;
      MemorySegment first = start.at(panel - fromPanel);
      long at = weight.at(panel);
      MemorySegment w = weight.data().asSlice(at, weight.at(panel + count) - at);
      for (int row = 0; row < rows; row += each) {
        MemorySegment a = integers.asSlice(row * rowBytes());
        MemorySegment c = target.out().asSlice(row * target.stride() + column);
        code.blocks()
            .product(form, Math.min(each, rows - row))
            .run(a, w, sums, c, target.stride(), first, start.step(), count, blocks);
      }
    }
    code.scratch().putBack(sums);
  }

  @Override
  public void close() {
    code.scratch().putBack(integers);
  }
}
