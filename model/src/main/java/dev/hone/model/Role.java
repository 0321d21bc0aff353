package dev.hone.model;

/** The part a layer plays in a Transformer; recipes choose layers by it. */
public enum Role {
  WORD_EMBEDDING,
  POSITION_EMBEDDING,
  TYPE_EMBEDDING,
  QUERY,
  KEY,
  VALUE,
  ATTENTION_OUTPUT,
  FEED_FORWARD_UP,
  FEED_FORWARD_DOWN,
  HEAD
}
