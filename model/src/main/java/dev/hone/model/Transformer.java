package dev.hone.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model's mathematics as immutable records over {@link Weight}; {@link Forward} gives them
 * meaning.
 *
 * @param norm behind the last block
 */
public record Transformer(
    Embeddings embeddings, List<Block> blocks, Optional<Norm> norm, Head head) {

  public Transformer {
    blocks = List.copyOf(blocks);
  }

  /** Without a norm behind the last block. */
  public Transformer(Embeddings embeddings, List<Block> blocks, Head head) {
    this(embeddings, blocks, Optional.empty(), head);
  }

  /** Numbers of one token's vector. */
  public int hidden() {
    return embeddings.word().dim();
  }

  /** The same model with another head. */
  public Transformer with(Head other) {
    return new Transformer(embeddings, blocks, norm, other);
  }

  /** The same model with other blocks. */
  public Transformer with(List<Block> others) {
    return new Transformer(embeddings, others, norm, head);
  }

  /** The layer that answers with logits of the next token: the head's own, or the word table. */
  public Linear nextToken(Head.NextToken next) {
    return next.out().orElseGet(() -> new Linear(embeddings.word().weight(), null));
  }

  /** Every weight, in the order in which a text meets it. */
  public List<Weight> weights() {
    var all = new java.util.ArrayList<Weight>();
    map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            all.add(layer.weight());
            if (layer.bias() != null) {
              all.add(layer.bias());
            }
            return layer;
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            all.add(table.weight());
            return table;
          }

          @Override
          public Norm norm(Norm norm) {
            switch (norm) {
              case Norm.LayerNorm layer -> {
                all.add(layer.weight());
                if (layer.bias() != null) {
                  all.add(layer.bias());
                }
              }
              case Norm.RmsNorm rms -> all.add(rms.weight());
            }
            return norm;
          }

          @Override
          public Position position(Position position) {
            switch (position) {
              case Position.Unknown _, Rope _ -> {}
              case Position.Buckets buckets -> {
                // Blocks may share one table.
                if (!all.contains(buckets.weight())) {
                  all.add(buckets.weight());
                }
              }
            }
            return position;
          }
        });
    return all;
  }

  /** Every linear layer, in the order of the model. */
  public List<Linear> linears() {
    List<Linear> all = new ArrayList<>();
    map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            all.add(layer);
            return layer;
          }
        });
    return all;
  }

  /** Bytes of all weights as they are stored. */
  public long sizeBytes() {
    return weights().stream().mapToLong(w -> w.tensor().sizeBytes()).sum();
  }

  /** The same tree with every layer replaced by what {@code map} answers for it. */
  public Transformer map(LayerMap map) {
    return new Transformer(
        map(embeddings, map),
        blocks.stream().map(b -> map(b, map)).toList(),
        norm.map(map::norm),
        map(head, map));
  }

  private static Embeddings map(Embeddings e, LayerMap map) {
    return new Embeddings(
        map.embedding(Role.WORD_EMBEDDING, e.word()),
        e.scale(),
        e.position().map(p -> map.embedding(Role.POSITION_EMBEDDING, p)),
        e.firstPosition(),
        e.tokenType().map(t -> map.embedding(Role.TYPE_EMBEDDING, t)),
        e.norm().map(map::norm),
        e.maxTokens());
  }

  static Block map(Block b, LayerMap map) {
    Norms attention = b.attentionNorms();
    Norms feedForward = b.feedForwardNorms();
    return new Block(
        map(b.attention(), map),
        attention.map(map::norm),
        map(b.feedForward(), map),
        feedForward.map(map::norm),
        b.flow());
  }

  private static Attention map(Attention a, LayerMap map) {
    return new Attention(
        switch (a.projections()) {
          case Projections.Separate p ->
              new Projections.Separate(
                  map.linear(Role.QUERY, p.query()),
                  map.linear(Role.KEY, p.key()),
                  map.linear(Role.VALUE, p.value()));
          case Projections.Fused p ->
              new Projections.Fused(map.linear(Role.QUERY_KEY_VALUE, p.all()), p.order());
        },
        map.linear(Role.ATTENTION_OUTPUT, a.output()),
        a.shape(),
        a.keys(),
        a.mask(),
        map.position(a.position()),
        a.queryNorm().map(map::norm),
        a.keyNorm().map(map::norm));
  }

  private static FeedForward map(FeedForward feedForward, LayerMap map) {
    return switch (feedForward) {
      case FeedForward.Mlp mlp ->
          new FeedForward.Mlp(
              map.linear(Role.FEED_FORWARD_UP, mlp.up()),
              mlp.activation(),
              map.linear(Role.FEED_FORWARD_DOWN, mlp.down()));
      case FeedForward.Gated gated ->
          new FeedForward.Gated(
              map.linear(Role.FEED_FORWARD_GATE, gated.gate()),
              map.linear(Role.FEED_FORWARD_UP, gated.up()),
              gated.activation(),
              map.linear(Role.FEED_FORWARD_DOWN, gated.down()));
      case FeedForward.FusedGated gated ->
          new FeedForward.FusedGated(
              map.linear(Role.FEED_FORWARD_GATE_UP, gated.gateUp()),
              gated.activation(),
              map.linear(Role.FEED_FORWARD_DOWN, gated.down()));
      case FeedForward.Experts experts ->
          new FeedForward.Experts(
              map.linear(Role.ROUTER, experts.router()),
              experts.chosen(),
              experts.normalized(),
              experts.experts().stream().map(e -> map(e, map)).toList());
    };
  }

  private static Head map(Head head, LayerMap map) {
    return switch (head) {
      case Head.HiddenStates hidden -> hidden;
      case Head.NextToken next ->
          new Head.NextToken(next.out().map(o -> map.linear(Role.HEAD, o)), next.softCap());
      case Head.SequenceLabels labels ->
          new Head.SequenceLabels(
              labels.pooling(),
              labels.dense().map(d -> map.linear(Role.HEAD, d)),
              labels.activation(),
              labels.norm().map(map::norm),
              map.linear(Role.HEAD, labels.out()));
      case Head.TokenLabels labels ->
          new Head.TokenLabels(
              labels.dense().map(d -> map.linear(Role.HEAD, d)),
              labels.activation(),
              labels.norm().map(map::norm),
              map.linear(Role.HEAD, labels.out()));
      case Head.SentenceEmbedding s ->
          new Head.SentenceEmbedding(
              s.pooling(),
              s.dense().stream()
                  .map(d -> new Head.Dense(map.linear(Role.HEAD, d.linear()), d.activation()))
                  .toList(),
              s.normalize(),
              s.dimensions());
    };
  }
}
