package dev.hone.runtime;

/**
 * How the labels of tokens become entities; the strategies of transformers' token classification.
 */
public enum Aggregation {
  /** Every token for itself. */
  NONE,
  /** Neighbouring tokens of one kind together; {@code B-} starts a new entity. */
  SIMPLE,
  /** As {@link #SIMPLE} over words, each with the label of its first token. */
  FIRST,
  /** As {@link #SIMPLE} over words, each with the best label of its tokens' mean scores. */
  AVERAGE,
  /** As {@link #SIMPLE} over words, each with the label of its surest token. */
  MAX
}
