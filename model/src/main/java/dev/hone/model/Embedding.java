package dev.hone.model;

import dev.hone.tensor.Tensor;

/**
 * A table of vectors looked up by index.
 *
 * @param weight [entry, dim]
 */
public record Embedding(Weight weight) {

  public int entries() {
    return Math.toIntExact(weight.tensor().rows());
  }

  public int dim() {
    return Math.toIntExact(weight.tensor().cols());
  }

  public Embedding with(Tensor table) {
    return new Embedding(weight.with(table));
  }
}
