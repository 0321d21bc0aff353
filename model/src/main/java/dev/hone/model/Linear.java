package dev.hone.model;

import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;

/**
 * A matrix product with an optional bias: {@code y = x Wᵀ + b}.
 *
 * @param weight [out, in]
 * @param bias [out] in F32, or null
 * @param input how the products read their input
 */
public record Linear(Weight weight, Weight bias, Input input) {

  public Linear(Weight weight, Weight bias) {
    this(weight, bias, Input.FLOAT);
  }

  public int in() {
    return Math.toIntExact(weight.tensor().cols());
  }

  public int out() {
    return Math.toIntExact(weight.tensor().rows());
  }

  /** The layer's name in the checkpoint, without {@code .weight}. */
  public String name() {
    return weight.name().substring(0, weight.name().lastIndexOf('.'));
  }

  /** The same layer, reading its input in another way. */
  public Linear with(Input other) {
    return new Linear(weight, bias, other);
  }

  /** The same layer over another matrix. */
  public Linear with(Tensor matrix) {
    return new Linear(weight.with(matrix), bias, input);
  }
}
