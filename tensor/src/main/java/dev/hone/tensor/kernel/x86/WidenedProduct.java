package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.FloatPanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import java.lang.foreign.MemorySegment;

/** Rows of floats, with panels that are floats or become floats on the way. */
record WidenedProduct(Tensor x, int row, int rows, WidenedPanels weight, X86Code code)
    implements PanelProduct {
  /** Input features of a block: a block of a panel fills most of a first-level cache. */
  private static final int DEPTH = 384;

  @Override
  public void multiply(
      int fromPanel, int toPanel, MemorySegment out, long outStride, MemorySegment bias) {
    int depth = Widening.multiplies(weight, rows) ? weight.cols() : DEPTH;
    for (int from = 0; from < weight.cols(); from += depth) {
      int to = Math.min(weight.cols(), from + depth);
      multiply(fromPanel, toPanel, from, to, out, outStride, bias);
    }
  }

  /** Some input features; sums of later ones begin with what {@code out} holds. */
  private void multiply(
      int fromPanel,
      int toPanel,
      int from,
      int to,
      MemorySegment out,
      long outStride,
      MemorySegment bias) {
    long width = (long) weight.columns() * Float.BYTES;
    for (int panel = fromPanel; panel < toPanel; panel++) {
      long column = (panel - fromPanel) * width;
      MemorySegment start =
          from > 0 ? MemorySegment.NULL : PanelProduct.start(code, bias, column, width);
      multiply(panel, from, to, out.asSlice(column), outStride, start);
    }
  }

  private void multiply(
      int panel, int from, int to, MemorySegment out, long outStride, MemorySegment start) {
    MemorySegment a = PanelProduct.rowsFrom(x, row, rows, from, to - from);
    long aStride = x.cols() * Float.BYTES;
    if (weight instanceof FloatPanels floats && floats.type() == Plain.F32) {
      long bytes = (long) (to - from) * weight.columns() * Float.BYTES;
      MemorySegment b = floats.data().asSlice(floats.at(panel, from), bytes);
      code.product().run(a, aStride, b, out, outStride, rows, to - from, 1, start);
    } else if (Widening.multiplies(weight, rows)) {
      code.widening().multiply(a, aStride, rows, weight, panel, out, outStride, start);
    } else {
      MemorySegment b = code.scratch().take((DEPTH + 1L) * weight.columns() * Float.BYTES);
      code.widening().widen(weight, panel, from, to, b);
      code.product().run(a, aStride, b, out, outStride, rows, to - from, 1, start);
      code.scratch().putBack(b);
    }
  }
}
