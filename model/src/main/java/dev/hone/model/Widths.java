package dev.hone.model;

import dev.hone.tensor.AttentionShape;
import java.util.List;

/**
 * How wide the parts of one block are, which is what its matrices' shapes say.
 *
 * @param heads of queries
 * @param kvHeads of keys and values
 * @param intermediate neurons of the feed-forward; 0 where it has experts
 */
public record Widths(int heads, int kvHeads, int intermediate) {

  /** A block's. */
  public static Widths of(Block block) {
    AttentionShape shape = shape(block.attention());
    return new Widths(shape.heads(), shape.kvHeads(), intermediate(block.feedForward()));
  }

  /** Every block's of a model. */
  public static List<Widths> of(Transformer model) {
    return model.blocks().stream().map(Widths::of).toList();
  }

  /** The same block, its attention as wide as its matrices are. */
  public static Block fitted(Block block) {
    Attention a = block.attention();
    return new Block(
        new Attention(
            a.projections(),
            a.output(),
            shape(a),
            a.keys(),
            a.mask(),
            a.position(),
            a.queryNorm(),
            a.keyNorm()),
        block.attentionNorms(),
        block.feedForward(),
        block.feedForwardNorms(),
        block.flow());
  }

  private static AttentionShape shape(Attention attention) {
    AttentionShape shape = attention.shape();
    int dim = shape.headDim();
    int heads = attention.output().in() / dim;
    int kvHeads =
        switch (attention.projections()) {
          case Projections.Separate p -> p.key().out() / dim;
          case Projections.Fused p -> (p.all().out() / dim - heads) / 2;
        };
    return new AttentionShape(heads, kvHeads, dim, shape.scale(), shape.softCap());
  }

  private static int intermediate(FeedForward feedForward) {
    return switch (feedForward) {
      case FeedForward.Mlp mlp -> mlp.down().in();
      case FeedForward.Gated gated -> gated.down().in();
      case FeedForward.FusedGated gated -> gated.down().in();
      case FeedForward.Experts _ -> 0;
    };
  }
}
