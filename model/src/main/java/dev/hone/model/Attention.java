package dev.hone.model;

import dev.hone.tensor.AttentionShape;

/**
 * Softmax attention with its four projections.
 *
 * @param query [heads * headDim, hidden]
 * @param key [kvHeads * headDim, hidden]
 * @param value [kvHeads * headDim, hidden]
 * @param output [hidden, heads * headDim]
 * @param keys where keys and values come from
 */
public record Attention(
    Linear query, Linear key, Linear value, Linear output, AttentionShape shape, Keys keys) {

  /** Where keys and values come from, and which of them a token sees. */
  public enum Keys {
    /** The token's own sequence, all of it. */
    OWN_SEQUENCE
  }
}
