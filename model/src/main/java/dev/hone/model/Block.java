package dev.hone.model;

/** One layer of a Transformer: attention and feed-forward, each beside a residual connection. */
public record Block(
    Attention attention,
    Norms attentionNorms,
    FeedForward feedForward,
    Norms feedForwardNorms,
    Flow flow) {

  /** What the feed-forward reads. */
  public enum Flow {
    /** What attention has made: Vaswani et al., "Attention Is All You Need", section 3.1. */
    SEQUENTIAL,
    /**
     * The same as attention. Black et al., "GPT-NeoX-20B: An Open-Source Autoregressive Language
     * Model", section 2.1.2.
     */
    PARALLEL
  }

  /** The same block with every layer replaced by what {@code map} answers for it. */
  public Block map(LayerMap map) {
    return Transformer.map(this, map);
  }
}
