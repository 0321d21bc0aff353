package dev.hone.model;

import java.util.List;

/**
 * A model's mathematics as immutable records over {@link Weight}; {@link Forward} gives them
 * meaning.
 */
public record Transformer(Embeddings embeddings, List<Block> blocks, Head head) {

  public Transformer {
    blocks = List.copyOf(blocks);
  }

  /** Numbers of one token's vector. */
  public int hidden() {
    return embeddings.word().dim();
  }

  /** The same model with another head. */
  public Transformer with(Head other) {
    return new Transformer(embeddings, blocks, other);
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
            }
            return norm;
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
        map(embeddings, map), blocks.stream().map(b -> map(b, map)).toList(), map(head, map));
  }

  private static Embeddings map(Embeddings e, LayerMap map) {
    return new Embeddings(
        map.embedding(Role.WORD_EMBEDDING, e.word()),
        e.position().map(p -> map.embedding(Role.POSITION_EMBEDDING, p)),
        e.firstPosition(),
        e.tokenType().map(t -> map.embedding(Role.TYPE_EMBEDDING, t)),
        e.norm().map(map::norm));
  }

  private static Block map(Block b, LayerMap map) {
    Attention a = b.attention();
    return new Block(
        new Attention(
            map.linear(Role.QUERY, a.query()),
            map.linear(Role.KEY, a.key()),
            map.linear(Role.VALUE, a.value()),
            map.linear(Role.ATTENTION_OUTPUT, a.output()),
            a.shape(),
            a.keys()),
        map.norm(b.attentionNorm()),
        switch (b.feedForward()) {
          case FeedForward.Mlp mlp ->
              new FeedForward.Mlp(
                  map.linear(Role.FEED_FORWARD_UP, mlp.up()),
                  mlp.activation(),
                  map.linear(Role.FEED_FORWARD_DOWN, mlp.down()));
        },
        map.norm(b.feedForwardNorm()),
        b.order());
  }

  private static Head map(Head head, LayerMap map) {
    return switch (head) {
      case Head.HiddenStates hidden -> hidden;
      case Head.SequenceLabels labels ->
          new Head.SequenceLabels(
              labels.dense().map(d -> map.linear(Role.HEAD, d)),
              labels.activation(),
              map.linear(Role.HEAD, labels.out()));
      case Head.TokenLabels labels -> new Head.TokenLabels(map.linear(Role.HEAD, labels.out()));
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
