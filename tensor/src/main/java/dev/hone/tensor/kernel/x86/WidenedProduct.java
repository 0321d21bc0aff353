package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.FloatPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import java.lang.foreign.MemorySegment;

/** Rows of floats, with panels that are floats or become floats on the way. */
record WidenedProduct(Tensor x, int row, int rows, X86Code code) implements PanelProduct {
  /** Input features of a block: a block of a panel fills most of a first-level cache. */
  private static final int DEPTH = 384;

  private static final Start WHAT_OUT_HOLDS = new Start(MemorySegment.NULL, 0);

  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    WidenedPanels weight = (WidenedPanels) panels;
    int depth = Widening.multiplies(weight, rows) ? weight.cols() : DEPTH;
    multiply(weight, fromPanel, toPanel, 0, depth, target);
    var later = new Target(target.out(), target.stride(), WHAT_OUT_HOLDS);
    for (int from = depth; from < weight.cols(); from += depth) {
      multiply(weight, fromPanel, toPanel, from, depth, later);
    }
  }

  /** Some input features. */
  private void multiply(
      WidenedPanels weight, int fromPanel, int toPanel, int from, int most, Target target) {
    MemorySegment out = target.out();
    long outStride = target.stride();
    Start start = target.start();
    int depth = Math.min(most, weight.cols() - from);
    MemorySegment a = PanelProduct.rowsFrom(x, row, rows, from, depth);
    long aStride = x.cols() * Float.BYTES;
    int panels = toPanel - fromPanel;
    if (weight instanceof FloatPanels floats && floats.type() == Plain.F32) {
      MemorySegment b = floats.data().asSlice(floats.at(fromPanel, from));
      long bStride = floats.at(1, 0);
      code.product()
          .run(
              a,
              aStride,
              b,
              bStride,
              out,
              outStride,
              rows,
              depth,
              panels,
              start.first(),
              start.step());
      return;
    }
    long width = (long) weight.columns() * Float.BYTES;
    for (int i = 0; i < panels; i++) {
      MemorySegment c = out.asSlice(i * width);
      MemorySegment begin = start.at(i);
      int panel = fromPanel + i;
      if (Widening.multiplies(weight, rows)) {
        code.widening().multiply(a, aStride, rows, weight, panel, c, outStride, begin);
      } else {
        MemorySegment b = code.scratch().take((DEPTH + 1L) * width);
        code.widening().widen(weight, panel, from, from + depth, b);
        code.product().run(a, aStride, b, 0, c, outStride, rows, depth, 1, begin, 0);
        code.scratch().putBack(b);
      }
    }
  }
}
