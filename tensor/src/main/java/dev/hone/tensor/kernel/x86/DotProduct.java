package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.Panels;
import java.lang.foreign.MemorySegment;

/** Rows rounded to 8 bits, each on its own grid or all on the layer's, with panels of bytes. */
final class DotProduct implements PanelProduct {
  private final int rows;
  private final X86Code code;
  private final MemorySegment memory;
  private final MemorySegment integers;
  private final MemorySegment grids;
  private final long rowBytes;

  DotProduct(Tensor x, int row, int rows, DotPanels weight, X86Code code) {
    this.rows = rows;
    this.code = code;
    RoundingKernel rounding = code.rounding(weight.input());
    this.rowBytes = rounding.rowBytes(weight.cols());
    long gridBytes = (long) rows * Grids.BYTES;
    this.memory = code.scratch().take(rows * rowBytes + gridBytes);
    this.integers = memory.asSlice(0, rows * rowBytes);
    this.grids = memory.asSlice(rows * rowBytes, gridBytes);
    if (weight.input() instanceof StaticInt8 grid) {
      Grids.set(grids, grid);
    }
    MemorySegment floats = PanelProduct.rowsFrom(x, row, rows, 0, weight.cols());
    long stride = x.cols() * Float.BYTES;
    rounding.run(floats, stride, rows, weight.cols(), integers, rowBytes, grids, weight.inverses());
  }

  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    DotPanels weight = (DotPanels) panels;
    code.integerProduct()
        .run(
            integers,
            rowBytes,
            grids,
            weight.data().asSlice(weight.at(fromPanel)),
            weight.scales().asSlice(weight.scalesAt(fromPanel)),
            target.start().first(),
            target.start().step(),
            target.out(),
            target.stride(),
            rows,
            weight.units(),
            toPanel - fromPanel);
  }

  @Override
  public void close() {
    code.scratch().putBack(memory);
  }
}
