package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import java.lang.foreign.MemorySegment;

/** Rows that no kernel rounds while it makes them ready: rounded copies, multiplied as floats. */
record RoundedProduct(PanelProduct product, MemorySegment copies, X86Code code)
    implements PanelProduct {

  static RoundedProduct of(Tensor x, int row, int rows, Input input, Panels weight, X86Code code) {
    int cols = (int) x.cols();
    long rowBytes = (long) cols * Float.BYTES;
    MemorySegment copies = code.scratch().take(rows * rowBytes);
    MemorySegment from = PanelProduct.rowsFrom(x, row, rows, 0, cols);
    if (input.equals(Input.BF16) && cols % RowsKernel.STEP == 0) {
      code.rows().run(Operation.ROUND_BF16, from, rowBytes, copies, rowBytes, rows, cols);
    } else {
      float[] numbers = new float[cols];
      for (long at = 0; at < rows * rowBytes; at += rowBytes) {
        MemorySegment.copy(from, Tensor.FLOAT, at, numbers, 0, cols);
        input.round(numbers);
        MemorySegment.copy(numbers, 0, copies, Tensor.FLOAT, at, cols);
      }
    }
    Tensor rounded = Tensor.of(Plain.F32, copies.asSlice(0, rows * rowBytes), rows, cols);
    return new RoundedProduct(PanelProduct.of(rounded, 0, rows, weight, code), copies, code);
  }

  @Override
  public void multiply(Panels panels, int fromPanel, int toPanel, Target target) {
    product.multiply(panels, fromPanel, toPanel, target);
  }

  @Override
  public void close() {
    product.close();
    code.scratch().putBack(copies);
  }
}
