package dev.hone.tensor.layout;

import dev.hone.tensor.Tensor;

/** The bytes of one weight format, a row at a time. */
interface Layout {

  /** Reads a row into the first {@code cols} places of {@code out}. */
  void decode(Tensor tensor, long row, float[] out);

  /** Writes the first {@code cols} places of {@code in} into a row, rounding to nearest. */
  void encode(float[] in, Tensor tensor, long row);
}
