package dev.hone.model;

import dev.hone.tensor.Tensor;

/**
 * A tensor under its name in the checkpoint, such as {@code encoder.layer.0.output.dense.weight}.
 * What stands before the last {@code /} of a name is the subfolder of the file that holds it.
 *
 * @param transposed the checkpoint has the matrix as [in, out], the tensor is [out, in]
 */
public record Weight(String name, Tensor tensor, boolean transposed) {

  public Weight(String name, Tensor tensor) {
    this(name, tensor, false);
  }

  /** The same name over other numbers. */
  public Weight with(Tensor other) {
    return new Weight(name, other, transposed);
  }
}
