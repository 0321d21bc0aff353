package dev.hone.model;

import dev.hone.tensor.Activation;

/** The part of a block that treats every token by itself. */
public sealed interface FeedForward {

  /**
   * {@code down(activation(up(x)))}.
   *
   * @param up [intermediate, hidden]
   * @param down [hidden, intermediate]
   */
  record Mlp(Linear up, Activation activation, Linear down) implements FeedForward {}
}
