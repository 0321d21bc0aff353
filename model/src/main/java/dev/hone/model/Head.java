package dev.hone.model;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import java.util.List;
import java.util.Optional;

/** What a model answers with, computed from the last hidden states. */
public sealed interface Head {

  /** The hidden states themselves: {@code [token, hidden]}. */
  record HiddenStates() implements Head {}

  /**
   * Logits of the token that comes next: {@code [token, entry]}.
   *
   * @param out [entry, hidden]; where there is none, the table of the word embeddings is it
   * @param softCap logits l become {@code softCap tanh(l / softCap)}; 0: they stay
   */
  record NextToken(Optional<Linear> out, float softCap) implements Head {}

  /** Logits of the whole text, from a vector of it: {@code [sequence, label]}. */
  record SequenceLabels(
      Pooling pooling,
      Optional<Linear> dense,
      Activation activation,
      Optional<Norm> norm,
      Linear out)
      implements Head {

    /** From its first token. */
    public SequenceLabels(Optional<Linear> dense, Activation activation, Linear out) {
      this(Pooling.CLS, dense, activation, Optional.empty(), out);
    }
  }

  /** Logits of every token: {@code [token, label]}. */
  record TokenLabels(Optional<Linear> dense, Activation activation, Optional<Norm> norm, Linear out)
      implements Head {

    /** From the hidden states. */
    public TokenLabels(Linear out) {
      this(Optional.empty(), Activation.NONE, Optional.empty(), out);
    }
  }

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
