package dev.hone.model;

import dev.hone.tensor.Input;

/** Another weight in the place of each of a block's; positions keep theirs, which blocks share. */
@FunctionalInterface
public interface WeightMap extends LayerMap {
  Weight of(Weight weight);

  /** How a layer reads its input then. */
  default Input input(Linear layer) {
    return layer.input();
  }

  private Weight orNull(Weight weight) {
    return weight == null ? null : of(weight);
  }

  @Override
  default Linear linear(Role role, Linear layer) {
    return new Linear(of(layer.weight()), orNull(layer.bias()), input(layer));
  }

  @Override
  default Norm norm(Norm norm) {
    return switch (norm) {
      case Norm.LayerNorm layer ->
          new Norm.LayerNorm(of(layer.weight()), orNull(layer.bias()), layer.epsilon());
      case Norm.RmsNorm rms -> new Norm.RmsNorm(of(rms.weight()), rms.shift(), rms.epsilon());
    };
  }
}
