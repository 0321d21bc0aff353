package dev.hone.model;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.Pooling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * What the records of a {@link Transformer} mean: the only place where a block's mathematics
 * stands.
 */
public final class Forward {
  private Forward() {}

  /** What the model answers to a batch: the shape that its {@link Head} names. */
  public static <T> T run(Transformer model, Batch batch, Ops<T> ops) {
    return run(model, batch, KeyValueCache.NONE, ops);
  }

  /** What the model answers to a batch that goes on behind what the cache has. */
  public static <T> T run(Transformer model, Batch batch, KeyValueCache cache, Ops<T> ops) {
    return head(model, hidden(model, batch, cache, ops), batch, ops);
  }

  /** What the model's head makes of the last hidden states. */
  public static <T> T head(Transformer model, T hidden, Batch batch, Ops<T> ops) {
    return ops.scope(() -> ofHead(model, hidden, batch, ops));
  }

  /**
   * Logits of the token that comes after every sequence of the batch: {@code [sequence, entry]}.
   */
  public static <T> T next(
      Transformer model, Head.NextToken head, Batch batch, KeyValueCache cache, Ops<T> ops) {
    T hidden = hidden(model, batch, cache, ops);
    return ops.scope(() -> nextToken(model, head, ops.rows(hidden, batch.lastTokens()), ops));
  }

  /** The last hidden states: {@code [token, hidden]}. */
  public static <T> T hidden(Transformer model, Batch batch, Ops<T> ops) {
    return hidden(model, batch, KeyValueCache.NONE, ops);
  }

  /** What the first block of a model reads: {@code [token, hidden]}. */
  public static <T> T embeddings(Transformer model, Batch batch, Ops<T> ops) {
    int[] positions = KeyValueCache.NONE.positions(batch);
    return ops.scope(() -> embeddings(model.embeddings(), batch, positions, ops));
  }

  /** What one block makes of the hidden states before it: {@code [token, hidden]}. */
  public static <T> T block(Block block, T x, Batch batch, Ops<T> ops) {
    int[] positions = KeyValueCache.NONE.positions(batch);
    return block(block, x, new Place(0, batch, positions, KeyValueCache.NONE), ops);
  }

  private static <T> T hidden(Transformer model, Batch batch, KeyValueCache cache, Ops<T> ops) {
    int[] positions = cache.positions(batch);
    T x = ops.scope(() -> embeddings(model.embeddings(), batch, positions, ops));
    for (int i = 0; i < model.blocks().size(); i++) {
      x = block(model.blocks().get(i), x, new Place(i, batch, positions, cache), ops);
    }
    cache.advance(batch.offsets());
    T last = x;
    return model.norm().isPresent()
        ? ops.scope(() -> ops.norm(last, null, model.norm().get()))
        : last;
  }

  /** What the model answers to the hidden states behind its last block. */
  public static <T> T answer(Transformer model, T x, Batch batch, Ops<T> ops) {
    return ops.scope(() -> ofHead(model, norm(model.norm(), x, ops), batch, ops));
  }

  /** Where a block stands, and the tokens in it. */
  private record Place(int layer, Batch batch, int[] positions, KeyValueCache cache) {}

  private static <T> T embeddings(Embeddings e, Batch batch, int[] positions, Ops<T> ops) {
    T x = ops.embed(e.word(), batch.ids(), null);
    if (e.scale() != 1) {
      x = ops.scale(x, e.scale());
    }
    if (e.position().isPresent()) {
      int[] rows = new int[positions.length];
      java.util.Arrays.setAll(rows, t -> e.firstPosition() + positions[t]);
      x = ops.embed(e.position().get(), rows, x);
    }
    if (e.tokenType().isPresent()) {
      x = ops.embed(e.tokenType().get(), batch.types(), x);
    }
    return norm(e.norm(), x, ops);
  }

  private static <T> T block(Block block, T x, Place place, Ops<T> ops) {
    UnaryOperator<T> attention = in -> attention(block.attention(), in, place, ops);
    UnaryOperator<T> feedForward = in -> feedForward(block.feedForward(), in, place, ops);
    return switch (block.flow()) {
      case SEQUENTIAL -> {
        T attended = ops.scope(() -> added(attention, x, block.attentionNorms(), ops));
        yield ops.scope(() -> added(feedForward, attended, block.feedForwardNorms(), ops));
      }
      case PARALLEL ->
          ops.scope(
              () -> {
                T attended = part(attention, x, block.attentionNorms(), ops);
                T fed = part(feedForward, x, block.feedForwardNorms(), ops);
                T sum = residual(attended, x, block.attentionNorms(), ops);
                return residual(fed, sum, block.feedForwardNorms(), ops);
              });
    };
  }

  private static <T> T added(UnaryOperator<T> part, T x, Norms norms, Ops<T> ops) {
    return residual(part(part, x, norms, ops), x, norms, ops);
  }

  private static <T> T part(UnaryOperator<T> part, T x, Norms norms, Ops<T> ops) {
    return norm(norms.output(), part.apply(norm(norms.input(), x, ops)), ops);
  }

  private static <T> T residual(T part, T x, Norms norms, Ops<T> ops) {
    return norms.sum().isPresent() ? ops.norm(part, x, norms.sum().get()) : ops.add(part, x);
  }

  private static <T> T norm(Optional<Norm> norm, T x, Ops<T> ops) {
    return norm.isPresent() ? ops.norm(x, null, norm.get()) : x;
  }

  private static <T> T attention(Attention a, T x, Place place, Ops<T> ops) {
    List<T> projected = projections(a, x, ops);
    T query = turned(norm(a.queryNorm(), projected.get(0), ops), a, place, ops);
    T key = turned(norm(a.keyNorm(), projected.get(1), ops), a, place, ops);
    T mixed =
        ops.attention(query, key, projected.get(2), a, place.layer(), place.batch(), place.cache());
    return ops.linear(mixed, a.output(), Activation.NONE);
  }

  /** Queries, keys and values. */
  private static <T> List<T> projections(Attention a, T x, Ops<T> ops) {
    AttentionShape shape = a.shape();
    return switch (a.projections()) {
      case Projections.Separate p -> ops.linear(x, List.of(p.query(), p.key(), p.value()));
      case Projections.Fused p -> {
        T all = ops.linear(x, p.all(), Activation.NONE);
        int dim = shape.headDim();
        int width = p.all().out();
        int keys = shape.kvHeads() * dim;
        yield switch (p.order()) {
          case QUERIES_KEYS_VALUES ->
              List.of(
                  ops.columns(all, width, 0, width - 2 * keys),
                  ops.columns(all, width, width - 2 * keys, keys),
                  ops.columns(all, width, width - keys, keys));
          case BY_HEAD ->
              List.of(
                  ops.columns(all, 3 * dim, 0, dim),
                  ops.columns(all, 3 * dim, dim, dim),
                  ops.columns(all, 3 * dim, 2 * dim, dim));
        };
      }
    };
  }

  private static <T> T turned(T x, Attention a, Place place, Ops<T> ops) {
    return switch (a.position()) {
      case Rope rope ->
          ops.rope(
              x,
              rope,
              a.shape().headDim(),
              place.positions(),
              place.cache().reach(place.batch(), rope));
      case Position.Unknown _, Position.Buckets _ -> x; // attention adds what buckets hold
    };
  }

  private static <T> T feedForward(FeedForward feedForward, T x, Place place, Ops<T> ops) {
    return switch (feedForward) {
      case FeedForward.Mlp mlp ->
          ops.linear(ops.linear(x, mlp.up(), mlp.activation()), mlp.down(), Activation.NONE);
      case FeedForward.Gated g -> {
        List<T> both = ops.linear(x, List.of(g.gate(), g.up()));
        T gated = ops.gate(both.getFirst(), both.getLast(), g.activation());
        yield ops.linear(gated, g.down(), Activation.NONE);
      }
      case FeedForward.FusedGated g -> {
        T both = ops.linear(x, g.gateUp(), Activation.NONE);
        int width = g.gateUp().out();
        T gate = ops.columns(both, width, 0, width / 2);
        T up = ops.columns(both, width, width / 2, width / 2);
        yield ops.linear(ops.gate(gate, up, g.activation()), g.down(), Activation.NONE);
      }
      case FeedForward.Experts e -> {
        List<Route<T>> routes = ops.route(ops.linear(x, e.router(), Activation.NONE), e);
        List<T> parts = new ArrayList<>();
        for (Route<T> route : routes) {
          FeedForward expert = e.experts().get(route.expert());
          parts.add(feedForward(expert, ops.gather(x, route), place, ops));
        }
        yield ops.combine(place.batch().tokens(), routes, parts);
      }
    };
  }

  private static <T> T ofHead(Transformer model, T hidden, Batch batch, Ops<T> ops) {
    return switch (model.head()) {
      case Head.HiddenStates _ -> hidden;
      case Head.NextToken next -> nextToken(model, next, hidden, ops);
      case Head.TokenLabels labels -> {
        T dense = dense(labels.dense(), labels.activation(), labels.norm(), hidden, ops);
        yield ops.linear(dense, labels.out(), Activation.NONE);
      }
      case Head.SequenceLabels labels -> {
        T pooled = ops.pool(hidden, labels.pooling(), batch);
        T dense = dense(labels.dense(), labels.activation(), labels.norm(), pooled, ops);
        yield ops.linear(dense, labels.out(), Activation.NONE);
      }
      case Head.SentenceEmbedding sentence -> sentence(sentence, hidden, batch, ops);
    };
  }

  private static <T> T nextToken(Transformer model, Head.NextToken next, T hidden, Ops<T> ops) {
    T logits = ops.linear(hidden, model.nextToken(next), Activation.NONE);
    return next.softCap() > 0 ? ops.softCap(logits, next.softCap()) : logits;
  }

  private static <T> T dense(
      Optional<Linear> dense, Activation activation, Optional<Norm> norm, T x, Ops<T> ops) {
    return norm(norm, dense.isPresent() ? ops.linear(x, dense.get(), activation) : x, ops);
  }

  private static <T> T sentence(Head.SentenceEmbedding head, T hidden, Batch batch, Ops<T> ops) {
    var parts = head.pooling().stream().map((Pooling p) -> ops.pool(hidden, p, batch)).toList();
    T x = parts.size() == 1 ? parts.getFirst() : ops.concat(parts);
    for (Head.Dense dense : head.dense()) {
      x = ops.linear(x, dense.linear(), dense.activation());
    }
    if (head.normalize()) {
      x = ops.normalize(x);
    }
    return head.dimensions() > 0 ? ops.columns(x, head.dimensions()) : x;
  }
}
