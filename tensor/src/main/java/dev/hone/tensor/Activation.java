package dev.hone.tensor;

/** A function applied to every number. */
public enum Activation {
  NONE,
  RELU,
  /** x Φ(x), by the error function. Hendrycks, Gimpel, "Gaussian Error Linear Units (GELUs)". */
  GELU,
  /** GELU's approximation by tanh, from the same paper. */
  GELU_TANH,
  TANH,
  /** x σ(x). */
  SILU
}
