package dev.hone.tensor;

/** How the tokens of a sequence become one vector. */
public enum Pooling {
  CLS,
  MEAN,
  MAX,
  /** Sum over the square root of the number of tokens. */
  MEAN_SQRT_LEN,
  /** Mean weighted by the token's place, counted from one. Muennighoff, "SGPT", section 3. */
  WEIGHTED_MEAN,
  LAST_TOKEN
}
