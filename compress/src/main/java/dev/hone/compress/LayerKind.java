package dev.hone.compress;

import dev.hone.model.Role;
import java.util.Locale;

/** Kinds of layers as recipes choose them. */
public enum LayerKind {
  EMBEDDING,
  ATTENTION,
  FEED_FORWARD,
  /** What chooses the experts of a token: small, and its choices are all or nothing. */
  ROUTER,
  HEAD;

  /** As recipes write it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static LayerKind of(Role role) {
    return switch (role) {
      case WORD_EMBEDDING, POSITION_EMBEDDING, TYPE_EMBEDDING -> EMBEDDING;
      case QUERY, KEY, VALUE, QUERY_KEY_VALUE, ATTENTION_OUTPUT -> ATTENTION;
      case FEED_FORWARD_GATE, FEED_FORWARD_UP, FEED_FORWARD_GATE_UP, FEED_FORWARD_DOWN ->
          FEED_FORWARD;
      case ROUTER -> ROUTER;
      case HEAD -> HEAD;
    };
  }
}
