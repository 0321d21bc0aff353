package dev.hone.model;

import java.util.Optional;

/**
 * What turns token ids into vectors: tables that are summed, then a norm.
 *
 * @param scale factor on the rows of {@code word}
 * @param position learned positions, where the model has them
 * @param firstPosition row of {@code position} that a sequence's first token takes
 * @param tokenType tables of the segment a token belongs to
 * @param maxTokens tokens of the longest sequences that the model was made for
 */
public record Embeddings(
    Embedding word,
    float scale,
    Optional<Embedding> position,
    int firstPosition,
    Optional<Embedding> tokenType,
    Optional<Norm> norm,
    int maxTokens) {

  /** With as many tokens as its learned positions suffice for, where it has them. */
  public Embeddings(
      Embedding word,
      Optional<Embedding> position,
      int firstPosition,
      Optional<Embedding> tokenType,
      Optional<Norm> norm) {
    this(
        word,
        1,
        position,
        firstPosition,
        tokenType,
        norm,
        position.map(p -> p.entries() - firstPosition).orElse(Integer.MAX_VALUE));
  }

  /** Words alone. */
  public static Embeddings of(Embedding word, float scale, int maxTokens) {
    return new Embeddings(
        word, scale, Optional.empty(), 0, Optional.empty(), Optional.empty(), maxTokens);
  }
}
