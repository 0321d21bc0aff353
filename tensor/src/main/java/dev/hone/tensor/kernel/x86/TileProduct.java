package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.x86.AmxProductKernel.Factors;
import java.lang.foreign.MemorySegment;

/**
 * Rows as tiles read them, with panels that lie for tiles. All panels are multiplied in one call.
 */
final class TileProduct implements PanelProduct {
  private final int rows;
  private final AmxForm form;
  private final X86Code code;
  private final MemorySegment memory;
  private final MemorySegment numbers;
  private final MemorySegment grids;

  TileProduct(Tensor x, int row, int rows, Panels weight, X86Code code) {
    this.rows = rows;
    this.code = code;
    form = form(weight);
    long numberBytes = form.rowsBytes(rows, form.steps(weight.cols()));
    long gridBytes = (long) rows * Grids.BYTES;
    memory = code.scratch().take(numberBytes + gridBytes);
    numbers = memory.asSlice(0, numberBytes);
    grids = memory.asSlice(numberBytes, gridBytes);
    MemorySegment floats = PanelProduct.rowsFrom(x, row, rows, 0, weight.cols());
    long stride = x.cols() * Float.BYTES;
    if (weight instanceof DotPanels dots) {
      if (dots.input() instanceof StaticInt8 grid) {
        Grids.set(grids, grid);
      }
      code.tiles()
          .rounding(dots.input())
          .run(floats, stride, rows, weight.cols(), numbers, grids, dots.inverses());
    } else {
      code.tiles().rows(form).run(floats, stride, rows, weight.cols(), numbers);
    }
  }

  /** Whether a weight lies for tiles. */
  static boolean multiplies(Panels weight) {
    return weight instanceof TilePanels
        || weight instanceof DotPanels dots && dots.order().equals(DotPanels.Order.TILES);
  }

  /** How a weight is multiplied that lies for tiles, or is made so. */
  static AmxForm form(Panels weight) {
    return switch (weight) {
      case TilePanels tiles ->
          tiles.type() == Plain.F32
              ? AmxForm.FLOATS
              : tiles.rounded() ? AmxForm.BF16 : AmxForm.FLOATS_BF16;
      case SparsePanels some -> some.type() == Plain.F32 ? AmxForm.FLOATS : AmxForm.FLOATS_BF16;
      default -> AmxForm.INT8;
    };
  }

  @Override
  public void multiply(Panels weight, int fromPanel, int toPanel, Target target) {
    long steps = form.steps(weight.cols());
    MemorySegment sums = code.scratch().take(AmxProductKernel.sumBytes(form, rows, steps));
    code.tiles()
        .product(form)
        .run(
            numbers,
            data(weight, fromPanel),
            target.out(),
            target.stride(),
            rows,
            steps,
            toPanel - fromPanel,
            target.start().first(),
            target.start().step(),
            sums,
            factors(weight, fromPanel));
    code.scratch().putBack(sums);
  }

  private static MemorySegment data(Panels weight, int panel) {
    return switch (weight) {
      case TilePanels tiles -> tiles.data().asSlice(tiles.at(panel));
      case DotPanels dots -> dots.data().asSlice(dots.at(panel));
      default -> throw new IllegalStateException(weight + " does not lie for tiles");
    };
  }

  private Factors factors(Panels weight, int panel) {
    return weight instanceof DotPanels dots
        ? new Factors(grids, dots.scales().asSlice(dots.scalesAt(panel)))
        : Factors.NONE;
  }

  @Override
  public void close() {
    code.scratch().putBack(memory);
  }
}
