package dev.hone.compress;

import dev.hone.model.Role;

/** Kinds of layers as recipes choose them. */
public enum LayerKind {
  EMBEDDING,
  ATTENTION,
  FEED_FORWARD,
  HEAD;

  static LayerKind of(Role role) {
    return switch (role) {
      case WORD_EMBEDDING, POSITION_EMBEDDING, TYPE_EMBEDDING -> EMBEDDING;
      case QUERY, KEY, VALUE, ATTENTION_OUTPUT -> ATTENTION;
      case FEED_FORWARD_UP, FEED_FORWARD_DOWN -> FEED_FORWARD;
      case HEAD -> HEAD;
    };
  }
}
