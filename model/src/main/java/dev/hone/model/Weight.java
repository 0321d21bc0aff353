package dev.hone.model;

import dev.hone.tensor.Tensor;

/**
 * A tensor under its name in the checkpoint, such as {@code encoder.layer.0.output.dense.weight}.
 * What stands before the last {@code /} of a name is the subfolder of the file that holds it.
 */
public record Weight(String name, Tensor tensor) {

  /** The same name over other numbers. */
  public Weight with(Tensor other) {
    return new Weight(name, other);
  }
}
