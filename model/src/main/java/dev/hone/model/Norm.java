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

  /**
   * Zhang, Sennrich, "Root Mean Square Layer Normalization".
   *
   * @param weight [dim] in F32
   * @param shift added to every weight: 1 where the checkpoint holds their distance from it
   */
  record RmsNorm(Weight weight, float shift, float epsilon) implements Norm {}
}
