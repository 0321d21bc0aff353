package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.AmxProductKernel.Next;
import java.lang.foreign.MemorySegment;

/**
 * Many rows, rounded to BF16, with panels of integers in blocks: each panel is widened to BF16 and
 * multiplied by tiles. A BF16 is nearer to a number than a byte of its block, and holds the
 * weight's integer exactly; with the scale it is rounded.
 */
final class TiledBlockProduct implements PanelProduct {
  /** With fewer rows widening takes longer than integer products of blocks. */
  private static final int LEAST_ROWS = 17;

  private static final AmxForm FORM = AmxForm.BF16;

  private final int rows;
  private final BlockPanels weight;
  private final X86Code code;
  private final MemorySegment numbers;

  TiledBlockProduct(Tensor x, int row, int rows, BlockPanels weight, X86Code code) {
    this.rows = rows;
    this.weight = weight;
    this.code = code;
    numbers = code.scratch().take(FORM.rowsBytes(rows, weight.blocks()));
    MemorySegment floats = PanelProduct.rowsFrom(x, row, rows, 0, weight.cols());
    long stride = x.cols() * Float.BYTES;
    code.tiles().rows(FORM).run(floats, stride, rows, weight.cols(), numbers);
  }

  /** Whether an input of so many rows is multiplied so. */
  static boolean multiplies(long rows, X86Code code) {
    return code.hasTiles() && rows >= LEAST_ROWS;
  }

  @Override
  public void multiply(
      int fromPanel, int toPanel, MemorySegment out, long outStride, MemorySegment bias) {
    long width = (long) weight.columns() * Float.BYTES;
    int blocks = weight.blocks();
    AmxWideningKernel widening = code.blocks().tiles(code.blocks().form(weight.form()));
    AmxProductKernel product = code.blocks().tileProduct(code.blocks().form(weight.form()));
    long panelBytes = (long) blocks * FORM.panelStep();
    MemorySegment panels = code.scratch().take(2 * panelBytes); // this one and the next, in turn
    MemorySegment sums = code.scratch().take(AmxProductKernel.sumBytes(FORM, rows, blocks));
    widening.run(weight.data().asSlice(weight.at(fromPanel)), panels, blocks);
    for (int p = fromPanel; p < toPanel; p++) {
      long column = (p - fromPanel) * width;
      int turn = (p - fromPanel) % 2;
      MemorySegment panel = panels.asSlice(turn * panelBytes, panelBytes);
      Next next =
          p + 1 < toPanel
              ? new Next(
                  weight.data().asSlice(weight.at(p + 1)),
                  panels.asSlice((1 - turn) * panelBytes, panelBytes))
              : Next.NONE;
      MemorySegment start = PanelProduct.start(code, bias, column, width);
      product.run(numbers, panel, out.asSlice(column), outStride, rows, blocks, start, sums, next);
    }
    code.scratch().putBack(sums);
    code.scratch().putBack(panels);
  }

  @Override
  public void close() {
    code.scratch().putBack(numbers);
  }
}
