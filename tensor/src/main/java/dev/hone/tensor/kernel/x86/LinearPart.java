package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.PanelProduct.rowsFrom;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.x86.PanelProduct.Start;
import dev.hone.tensor.kernel.x86.PanelProduct.Target;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One weight that an input is multiplied with, and what becomes of the product.
 *
 * @param bias [out]; null for none
 * @param y [token, out]
 */
record LinearPart(Panels weight, Tensor bias, Activation activation, Tensor y) {

  /** Multiplies rows that begin at {@code row} of y with some panels of the weight. */
  void multiply(PanelProduct product, int row, int rows, int fromPanel, int toPanel, X86Code code) {
    int columns = weight.columns();
    int partial = weight.rows() % columns; // columns of the last panel, if it is not whole
    int wholePanels = toPanel - (partial > 0 && toPanel == weight.panels() ? 1 : 0);
    if (fromPanel < wholePanels) {
      int count = (wholePanels - fromPanel) * columns;
      MemorySegment out = rowsFrom(y, row, rows, fromPanel * columns, count);
      long outStride = y.cols() * Float.BYTES;
      Start start = Start.of(bias(fromPanel, wholePanels), columns, code);
      product.multiply(weight, fromPanel, wholePanels, new Target(out, outStride, start));
    }
    if (wholePanels < toPanel) {
      lastPanel(product, row, rows, partial, code);
    }
    if (activation != Activation.NONE) {
      int from = fromPanel * columns;
      int count = Math.min(weight.rows(), toPanel * columns) - from;
      MemorySegment out = rowsFrom(y, row, rows, from, count);
      long stride = y.cols() * Float.BYTES;
      code.activation(activation).run(out, stride, MemorySegment.NULL, out, stride, rows, count);
    }
  }

  /** Columns that y has no room for: they are made beside it. */
  private void lastPanel(PanelProduct product, int row, int rows, int columns, X86Code code) {
    int panel = weight.panels() - 1;
    long stride = (long) weight.columns() * Float.BYTES;
    long first = panel * stride;
    long bytes = (long) columns * Float.BYTES;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment beside = arena.allocate(rows * stride, Tensor.ALIGNMENT);
      MemorySegment begin = MemorySegment.NULL;
      if (bias != null) {
        begin = arena.allocate(stride, Tensor.ALIGNMENT);
        MemorySegment.copy(bias.data(), first, begin, 0, bytes);
      }
      Start start = Start.of(begin, weight.columns(), code);
      product.multiply(weight, panel, panel + 1, new Target(beside, stride, start));
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
}
