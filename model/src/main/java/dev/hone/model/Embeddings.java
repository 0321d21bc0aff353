package dev.hone.model;

import java.util.Optional;

/**
 * What turns token ids into vectors: tables that are summed, then a norm.
 *
 * @param position learned positions, where the model has them
 * @param firstPosition row of {@code position} that a sequence's first token takes
 * @param tokenType tables of the segment a token belongs to
 */
public record Embeddings(
    Embedding word,
    Optional<Embedding> position,
    int firstPosition,
    Optional<Embedding> tokenType,
    Optional<Norm> norm) {

  /** Tokens that the positions suffice for. */
  public int maxTokens() {
    return position.map(p -> p.entries() - firstPosition).orElse(Integer.MAX_VALUE);
  }
}
