package dev.hone.model;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;

/**
 * What the records of a {@link Transformer} mean: the only place where a block's mathematics
 * stands.
 */
public final class Forward {
  private Forward() {}

  /** What the model answers to a batch: the shape that its {@link Head} names. */
  public static <T> T run(Transformer model, Batch batch, Ops<T> ops) {
    T hidden = hidden(model, batch, ops);
    return ops.scope(() -> head(model.head(), hidden, batch, ops));
  }

  /** The last hidden states: {@code [token, hidden]}. */
  public static <T> T hidden(Transformer model, Batch batch, Ops<T> ops) {
    T x = ops.scope(() -> embeddings(model.embeddings(), batch, ops));
    for (Block block : model.blocks()) {
      T in = x;
      x = ops.scope(() -> block(block, in, batch, ops));
    }
    return x;
  }

  private static <T> T embeddings(Embeddings e, Batch batch, Ops<T> ops) {
    T x = ops.embed(e.word(), batch.ids(), null);
    if (e.position().isPresent()) {
      x = ops.embed(e.position().get(), batch.positions(e.firstPosition()), x);
    }
    if (e.tokenType().isPresent()) {
      x = ops.embed(e.tokenType().get(), batch.types(), x);
    }
    return e.norm().isPresent() ? ops.norm(x, null, e.norm().get()) : x;
  }

  private static <T> T block(Block block, T x, Batch batch, Ops<T> ops) {
    return switch (block.order()) {
      case NORM_AFTER -> {
        T attended =
            ops.norm(attention(block.attention(), x, batch, ops), x, block.attentionNorm());
        yield ops.norm(
            feedForward(block.feedForward(), attended, ops), attended, block.feedForwardNorm());
      }
    };
  }

  private static <T> T attention(Attention a, T x, Batch batch, Ops<T> ops) {
    T query = ops.linear(x, a.query(), Activation.NONE);
    T key = ops.linear(x, a.key(), Activation.NONE);
    T value = ops.linear(x, a.value(), Activation.NONE);
    return ops.linear(ops.attention(query, key, value, a, batch), a.output(), Activation.NONE);
  }

  private static <T> T feedForward(FeedForward feedForward, T x, Ops<T> ops) {
    return switch (feedForward) {
      case FeedForward.Mlp mlp ->
          ops.linear(ops.linear(x, mlp.up(), mlp.activation()), mlp.down(), Activation.NONE);
    };
  }

  private static <T> T head(Head head, T hidden, Batch batch, Ops<T> ops) {
    return switch (head) {
      case Head.HiddenStates _ -> hidden;
      case Head.TokenLabels labels -> ops.linear(hidden, labels.out(), Activation.NONE);
      case Head.SequenceLabels labels -> {
        T first = ops.rows(hidden, batch.firstTokens());
        T dense =
            labels.dense().isPresent()
                ? ops.linear(first, labels.dense().get(), labels.activation())
                : first;
        yield ops.linear(dense, labels.out(), Activation.NONE);
      }
      case Head.SentenceEmbedding sentence -> sentence(sentence, hidden, batch, ops);
    };
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
