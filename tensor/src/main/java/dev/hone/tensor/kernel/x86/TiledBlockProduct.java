package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.x86.AmxProductKernel.Next;
import java.lang.foreign.MemorySegment;

/**
 * Many rows, rounded to BF16, with panels of integers in blocks: each panel is widened to BF16 and
 * multiplied by tiles. A BF16 is nearer to a number than a byte of its block, and holds the
 * weight's integer exactly; with the scale it is rounded.
 *
 * <p>Input features go in parts: a part of the rows and of two panels stays in the second-level
 * cache while all panels pass.
 */
final class TiledBlockProduct implements PanelProduct {
  /** With fewer rows widening takes longer than integer products of blocks. */
  private static final int LEAST_ROWS = 17;

  /** Of a part: 4 KB of a row, and 256 KB of two panels. */
  private static final int MOST_BLOCKS = 64;

  private static final AmxForm FORM = AmxForm.BF16;

  private final int rows;
  private final int blocks;
  private final X86Code code;
  private final int parts;

  /** Part after part. */
  private final MemorySegment numbers;

  TiledBlockProduct(Tensor x, int row, int rows, BlockPanels weight, X86Code code) {
    this.rows = rows;
    this.blocks = weight.blocks();
    this.code = code;
    parts = parts(weight);
    numbers = code.scratch().take(FORM.rowsBytes(rows, blocks));
    long stride = x.cols() * Float.BYTES;
    for (int part = 0; part < parts; part++) {
      int cols = blocks(part) * Input.BLOCK;
      MemorySegment floats =
          PanelProduct.rowsFrom(x, row, rows, firstBlock(part) * Input.BLOCK, cols);
      code.tiles().rows(FORM).run(floats, stride, rows, cols, numbers(part));
    }
  }

  private static int parts(BlockPanels weight) {
    return (weight.blocks() + MOST_BLOCKS - 1) / MOST_BLOCKS;
  }

  private int firstBlock(int part) {
    return part * blocks / parts;
  }

  private int blocks(int part) {
    return firstBlock(part + 1) - firstBlock(part);
  }

  private MemorySegment numbers(int part) {
    return numbers.asSlice(FORM.rowsBytes(rows, firstBlock(part)));
  }

  /** Bytes of a row that are multiplied with one panel after the other. */
  static long rowBytes(BlockPanels weight) {
    return FORM.rowBytes((long) weight.blocks() * Input.BLOCK) / parts(weight);
  }

  /** Whether an input of so many rows is multiplied so. */
  static boolean multiplies(long rows, X86Code code) {
    return code.hasTiles() && rows >= LEAST_ROWS;
  }

  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    for (int part = 0; part < parts; part++) {
      multiply(part, (BlockPanels) panels, fromPanel, toPanel, target);
    }
  }

  private void multiply(int part, BlockPanels weight, int fromPanel, int toPanel, Target target) {
    long width = (long) weight.columns() * Float.BYTES;
    int blocks = blocks(part);
    BlockForm form = code.blocks().form(weight.form());
    Blocks.TileProducts products = code.blocks().tileProducts(form);
    AmxProductKernel product = part == 0 ? products.first() : products.later();
    long panelBytes = (long) blocks * FORM.panelStep();
    MemorySegment panels = code.scratch().take(2 * panelBytes); // this one and the next, in turn
    MemorySegment sums = code.scratch().take(AmxProductKernel.sumBytes(FORM, rows, blocks));
    code.blocks().tiles(form).run(data(part, weight, fromPanel), panels, blocks);
    for (int p = fromPanel; p < toPanel; p++) {
      long column = (p - fromPanel) * width;
      int turn = (p - fromPanel) % 2;
      MemorySegment panel = panels.asSlice(turn * panelBytes, panelBytes);
      Next next =
          p + 1 < toPanel
              ? new Next(
                  data(part, weight, p + 1), panels.asSlice((1 - turn) * panelBytes, panelBytes))
              : Next.NONE;
      MemorySegment start = target.start().at(p - fromPanel);
      MemorySegment out = target.out().asSlice(column);
      MemorySegment a = numbers(part);
      product.run(a, panel, out, target.stride(), rows, blocks, start, sums, next);
    }
    code.scratch().putBack(sums);
    code.scratch().putBack(panels);
  }

  private MemorySegment data(int part, BlockPanels weight, int panel) {
    long at = weight.at(panel) + (long) firstBlock(part) * weight.form().bytes();
    return weight.data().asSlice(at);
  }

  @Override
  public void close() {
    code.scratch().putBack(numbers);
  }
}
