package dev.hone.runtime;

import dev.hone.model.Role;
import dev.hone.tensor.kernel.Arithmetic;
import java.util.List;
import java.util.Locale;

/**
 * One operation of a model as it ran, and what it asked of the machine.
 *
 * @param weights the type of the weights that it read, and what they were multiplied with where
 *     that is no float; empty where it read none
 * @param layer name of those weights in the checkpoint, with commas between several; empty where it
 *     read none
 * @param rows tokens, or sequences, that it answered for
 * @param operations additions, multiplications, comparisons and elementary functions of numbers
 * @param bytes of what it read and wrote: weights as they are packed, keys and values as the cache
 *     has them, activations
 * @param arithmetic of its multiplications
 */
public record Operation(
    Kind kind,
    String weights,
    String layer,
    long rows,
    long operations,
    long bytes,
    Arithmetic arithmetic) {

  /** What operations there are, in the order in which a text meets them. */
  public enum Kind {
    EMBEDDING,
    QUERY,
    KEY,
    VALUE,
    QUERY_KEY_VALUE,
    ROPE,
    ATTENTION,
    ATTENTION_OUTPUT,
    ROUTER,
    /** Which tokens go to which expert, and back. */
    ROUTING,
    FEED_FORWARD_GATE,
    FEED_FORWARD_UP,
    FEED_FORWARD_GATE_UP,
    /** Of a gated layer; elsewhere it is done with the product before it. */
    ACTIVATION,
    FEED_FORWARD_DOWN,
    RESIDUAL,
    NORM,
    POOLING,
    /** Columns and rows that are cut out or put together. */
    COPY,
    SCALE,
    HEAD,
    SOFT_CAP;

    /** The product of a layer that plays a role. */
    static Kind of(Role role) {
      return switch (role) {
        case QUERY -> QUERY;
        case KEY -> KEY;
        case VALUE -> VALUE;
        case QUERY_KEY_VALUE -> QUERY_KEY_VALUE;
        case ATTENTION_OUTPUT -> ATTENTION_OUTPUT;
        case FEED_FORWARD_GATE -> FEED_FORWARD_GATE;
        case FEED_FORWARD_UP -> FEED_FORWARD_UP;
        case FEED_FORWARD_GATE_UP -> FEED_FORWARD_GATE_UP;
        case FEED_FORWARD_DOWN -> FEED_FORWARD_DOWN;
        case ROUTER -> ROUTER;
        case HEAD -> HEAD;
        case WORD_EMBEDDING, POSITION_EMBEDDING, TYPE_EMBEDDING -> EMBEDDING;
      };
    }

    /** The products of layers that read the same. */
    static Kind of(List<Role> roles) {
      if (roles.equals(List.of(Role.QUERY, Role.KEY, Role.VALUE))) {
        return QUERY_KEY_VALUE;
      }
      if (roles.equals(List.of(Role.FEED_FORWARD_GATE, Role.FEED_FORWARD_UP))) {
        return FEED_FORWARD_GATE_UP;
      }
      throw new IllegalArgumentException("no operation has these products: " + roles);
    }

    /** As tables and recordings spell it: {@code feed-forward-up}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }
}
