package dev.hone.model.cost;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** A part of a Transformer's work, all blocks together, in the order in which a text meets them. */
public enum Part {
  EMBEDDINGS,
  /** To queries, keys and values. */
  PROJECTIONS,
  /** Products of queries with keys. */
  SCORES,
  SOFTMAX,
  /** Products of the softmax with values. */
  WEIGHTED_VALUES,
  ATTENTION_OUTPUT,
  FEED_FORWARD,
  NORMS,
  /** Sums of what a part reads and what it makes, where no norm takes them. */
  RESIDUALS,
  /** Pooling and what comes after it, the labels, or the logits of the next token. */
  HEAD;

  /** As reports spell it: {@code feed-forward}. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
