package dev.hone.model;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import java.util.List;
import java.util.Optional;

/** What a model answers with, computed from the last hidden states. */
public sealed interface Head {

  /** The hidden states themselves: {@code [token, hidden]}. */
  record HiddenStates() implements Head {}

  /** Logits of the whole text, from its first token: {@code [sequence, label]}. */
  record SequenceLabels(Optional<Linear> dense, Activation activation, Linear out)
      implements Head {}

  /** Logits of every token: {@code [token, label]}. */
  record TokenLabels(Linear out) implements Head {}

  /**
   * One vector a text: {@code [sequence, dim]}. Poolings are put side by side, then the dense
   * layers run, then the vector is normalized, then cut.
   *
   * @param dimensions leading numbers of the vector that are kept; 0: all
   */
  record SentenceEmbedding(
      List<Pooling> pooling, List<Dense> dense, boolean normalize, int dimensions)
      implements Head {}

  /** A layer after the pooling. */
  record Dense(Linear linear, Activation activation) {}
}
