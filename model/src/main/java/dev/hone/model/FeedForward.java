package dev.hone.model;

import dev.hone.tensor.Activation;
import java.util.List;

/** The part of a block that treats every token by itself. */
public sealed interface FeedForward {

  /**
   * {@code down(activation(up(x)))}.
   *
   * @param up [intermediate, hidden]
   * @param down [hidden, intermediate]
   */
  record Mlp(Linear up, Activation activation, Linear down) implements FeedForward {}

  /**
   * {@code down(activation(gate(x)) up(x))}. Shazeer, "GLU Variants Improve Transformer".
   *
   * @param gate [intermediate, hidden]
   * @param up [intermediate, hidden]
   * @param down [hidden, intermediate]
   */
  record Gated(Linear gate, Linear up, Activation activation, Linear down) implements FeedForward {}

  /**
   * {@link Gated} with one layer for gate and up.
   *
   * @param gateUp [2 * intermediate, hidden]: all of the gate, then all of up
   * @param down [hidden, intermediate]
   */
  record FusedGated(Linear gateUp, Activation activation, Linear down) implements FeedForward {}

  /**
   * The weighted sum of what a few of many experts make of a token. Jiang et al., "Mixtral of
   * Experts", section 2.1.
   *
   * @param router [expert, hidden]: logits, whose softmax over all experts gives the weights
   * @param chosen experts of the largest weights that a token goes to
   * @param normalized the weights of these are divided by their sum
   */
  record Experts(Linear router, int chosen, boolean normalized, List<FeedForward> experts)
      implements FeedForward {
    public Experts {
      experts = List.copyOf(experts);
      if (chosen < 1 || chosen > experts.size()) {
        throw new IllegalArgumentException(
            "chosen=" + chosen + ": must be from 1 to the " + experts.size() + " experts");
      }
    }
  }

  /** The matrices that tokens are multiplied with, without a router. */
  default List<Linear> layers() {
    return switch (this) {
      case Mlp mlp -> List.of(mlp.up(), mlp.down());
      case Gated gated -> List.of(gated.gate(), gated.up(), gated.down());
      case FusedGated gated -> List.of(gated.gateUp(), gated.down());
      case Experts experts -> experts.experts().stream().flatMap(e -> e.layers().stream()).toList();
    };
  }
}
