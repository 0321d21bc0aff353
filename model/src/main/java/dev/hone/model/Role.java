package dev.hone.model;

/** The part a layer plays in a Transformer; recipes choose layers by it. */
public enum Role {
  WORD_EMBEDDING,
  POSITION_EMBEDDING,
  TYPE_EMBEDDING,
  QUERY,
  KEY,
  VALUE,
  /** One layer for all three. */
  QUERY_KEY_VALUE,
  ATTENTION_OUTPUT,
  FEED_FORWARD_GATE,
  FEED_FORWARD_UP,
  /** One layer for both. */
  FEED_FORWARD_GATE_UP,
  FEED_FORWARD_DOWN,
  /** Chooses the experts of a token. */
  ROUTER,
  HEAD
}
