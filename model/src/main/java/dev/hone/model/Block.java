package dev.hone.model;

/** One layer of a Transformer: attention, then feed-forward, each with a residual and a norm. */
public record Block(
    Attention attention,
    Norm attentionNorm,
    FeedForward feedForward,
    Norm feedForwardNorm,
    Order order) {

  /** Where the norms stand. */
  public enum Order {
    /** {@code norm(x + part(x))}: Vaswani et al., "Attention Is All You Need", section 3.1. */
    NORM_AFTER
  }
}
