package dev.hone.model;

import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import java.util.Optional;

/**
 * Softmax attention with its projections.
 *
 * @param output [hidden, heads * headDim]
 * @param keys where keys and values come from
 * @param mask which of them a token sees
 * @param queryNorm of every head's query, or of all of them as one vector: as long as its weight
 * @param keyNorm the same of keys
 */
public record Attention(
    Projections projections,
    Linear output,
    AttentionShape shape,
    Keys keys,
    AttentionMask mask,
    Position position,
    Optional<Norm> queryNorm,
    Optional<Norm> keyNorm) {

  /** Where keys and values come from. */
  public enum Keys {
    /** The token's own sequence. */
    OWN_SEQUENCE
  }

  /** Every token sees every other of its sequence, wherever they stand. */
  public static Attention everywhere(
      Linear query, Linear key, Linear value, Linear output, AttentionShape shape) {
    return new Attention(
        new Projections.Separate(query, key, value),
        output,
        shape,
        Keys.OWN_SEQUENCE,
        AttentionMask.ALL,
        new Position.Unknown(),
        Optional.empty(),
        Optional.empty());
  }

  /** The same attention that tells places apart in another way. */
  public Attention with(Position other) {
    return new Attention(projections, output, shape, keys, mask, other, queryNorm, keyNorm);
  }
}
