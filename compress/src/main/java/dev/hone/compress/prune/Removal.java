package dev.hone.compress.prune;

import java.util.Optional;

/** How many heads and neurons are removed. */
public sealed interface Removal {

  /** So much of every part, each by itself. */
  record Each(Optional<Amount> heads, Optional<Amount> neurons) implements Removal {
    public Each {
      if (heads.isEmpty() && neurons.isEmpty()) {
        throw new IllegalArgumentException("nothing to remove: heads=25%, ffn=40%, or both");
      }
    }
  }

  /**
   * Heads and neurons of all blocks, until such a share of the blocks' linear weights is gone:
   * where the answers change least by it.
   */
  record Together(double share) implements Removal {
    public Together {
      if (!(share > 0 && share < 1)) {
        throw new IllegalArgumentException(
            "a share of " + share + ": between 0 and 1, such as 30% or 0.3");
      }
    }
  }

  /**
   * Reads {@code heads=25% ffn=40%}, one of the two, or {@code 30%} of all.
   *
   * @throws IllegalArgumentException where it is none of these
   */
  static Removal of(String text) {
    if (!text.contains("=")) {
      if (Amount.of(text) instanceof Amount.Share share) {
        return new Together(share.of());
      }
      throw new IllegalArgumentException(
          "'" + text + "' is no share of all weights, such as 30%; or say heads=25% ffn=40%");
    }
    Optional<Amount> heads = Optional.empty();
    Optional<Amount> neurons = Optional.empty();
    for (String word : text.split(" ", -1)) {
      if (word.startsWith("heads=") && heads.isEmpty()) {
        heads = Optional.of(Amount.of(word.substring("heads=".length())));
      } else if (word.startsWith("ffn=") && neurons.isEmpty()) {
        neurons = Optional.of(Amount.of(word.substring("ffn=".length())));
      } else {
        throw new IllegalArgumentException("'" + word + "' is neither heads=AMOUNT nor ffn=AMOUNT");
      }
    }
    return new Each(heads, neurons);
  }

  /** As {@link #of} reads it. */
  default String label() {
    return switch (this) {
      case Together together -> Double.toString(together.share);
      case Each each ->
          (each.heads.map(a -> "heads=" + a.label() + " ").orElse("")
                  + each.neurons.map(a -> "ffn=" + a.label()).orElse(""))
              .strip();
    };
  }
}
