package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import java.lang.foreign.MemorySegment;

/** Some rows of an input, made ready to be multiplied with one panel of a weight after another. */
sealed interface PanelProduct extends AutoCloseable permits WidenedProduct, DotProduct {

  static PanelProduct of(Tensor x, int row, int rows, Panels weight, X86Code code) {
    return switch (weight) {
      case WidenedPanels widened -> new WidenedProduct(x, row, rows, widened, code);
      case DotPanels dots -> new DotProduct(x, row, rows, dots, code);
    };
  }

  /** Input features that are best multiplied before the next panel's turn comes. */
  int block();

  /**
   * Multiplies input features {@code from .. to} of the rows with a panel: at most a {@link
   * #block}.
   *
   * @param out [rows][columns], {@code outStride} bytes apart
   * @param start [columns] that the sums begin with; {@link MemorySegment#NULL}: with what {@code
   *     out} holds
   */
  void multiply(
      int panel, int from, int to, MemorySegment out, long outStride, MemorySegment start);

  @Override
  default void close() {}

  /** From the first number of some columns of some rows to the last. */
  static MemorySegment rowsFrom(Tensor tensor, int row, int rows, int from, int count) {
    long first = row * tensor.cols() + from;
    long numbers = (rows - 1) * tensor.cols() + count;
    return tensor.data().asSlice(first * Float.BYTES, numbers * Float.BYTES);
  }
}
