package dev.hone.model;

/** A normalization of every token's vector. */
public sealed interface Norm {

  /**
   * Ba, Kiros, Hinton, "Layer Normalization".
   *
   * @param weight [dim] in F32
   * @param bias [dim] in F32, or null
   */
  record LayerNorm(Weight weight, Weight bias, float epsilon) implements Norm {}
}
