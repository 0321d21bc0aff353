package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import java.lang.foreign.MemorySegment;

/**
 * One head's numbers of some rows, in F32.
 *
 * @param data [row][dim], {@code stride} bytes apart
 */
record HeadRows(MemorySegment data, long stride) {

  /** Where they lie. */
  static HeadRows of(Tensor tensor, int row, int rows, int head, int dim) {
    return new HeadRows(
        PanelProduct.rowsFrom(tensor, row, rows, head * dim, dim), tensor.cols() * Float.BYTES);
  }

  /**
   * Of a page of keys or values in any of its types, where they lie or widened.
   *
   * @param room [rows][dim] for rows that must be widened
   */
  static HeadRows of(
      Tensor page, int row, int rows, int head, int dim, MemorySegment room, X86Code code) {
    return page.dtype() == Plain.F32
        ? of(page, row, rows, head, dim)
        : widen(page, row, rows, head, dim, room, code);
  }

  /** The same as a copy in F32. */
  static HeadRows widen(
      Tensor page, int row, int rows, int head, int dim, MemorySegment room, X86Code code) {
    Operation operation =
        switch (page.dtype()) {
          case Plain.F32 -> Operation.COPY;
          case Plain.F16 -> Operation.WIDEN_HALVES;
          default -> Operation.SCALE_BYTES;
        };
    long bytes = operation.inBytes();
    MemorySegment in = page.data().asSlice((row * page.cols() + (long) head * dim) * bytes);
    long stride = page.cols() * bytes;
    long outStride = (long) dim * Float.BYTES;
    if (operation == Operation.SCALE_BYTES) {
      Tensor scales = page.scales();
      long scaleStride = scales.cols() * Float.BYTES;
      MemorySegment factors = scales.data().asSlice(row * scaleStride + (long) head * Float.BYTES);
      code.rows().run(operation, in, stride, room, outStride, rows, dim, factors, scaleStride);
    } else {
      code.rows().run(operation, in, stride, room, outStride, rows, dim);
    }
    return new HeadRows(room, outStride);
  }
}
