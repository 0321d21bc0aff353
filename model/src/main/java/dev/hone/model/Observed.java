package dev.hone.model;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * Operations that show what every linear layer reads before they do it: what calibration and
 * importance scores are made from. Layers that read the same activations are shown the same object.
 */
public final class Observed<T> implements Ops<T> {
  private final Ops<T> ops;
  private final BiConsumer<Linear, T> observer;

  /**
   * Wraps operations.
   *
   * @param observer told of each layer and its input [token, in], which it must not keep: it lives
   *     as long as the scope
   */
  public Observed(Ops<T> ops, BiConsumer<Linear, T> observer) {
    this.ops = ops;
    this.observer = observer;
  }

  @Override
  public T linear(T x, Linear layer, Activation activation) {
    observer.accept(layer, x);
    return ops.linear(x, layer, activation);
  }

  @Override
  public T embed(Embedding table, int[] rows, T sum) {
    return ops.embed(table, rows, sum);
  }

  @Override
  public T attention(
      T query, T key, T value, Attention attention, int layer, Batch batch, KeyValueCache cache) {
    return ops.attention(query, key, value, attention, layer, batch, cache);
  }

  @Override
  public T rope(T x, Rope rope, int headDim, int[] positions, int[] reach) {
    return ops.rope(x, rope, headDim, positions, reach);
  }

  @Override
  public T norm(T x, T residual, Norm norm) {
    return ops.norm(x, residual, norm);
  }

  @Override
  public T add(T a, T b) {
    return ops.add(a, b);
  }

  @Override
  public T scale(T x, float factor) {
    return ops.scale(x, factor);
  }

  @Override
  public T softCap(T x, float cap) {
    return ops.softCap(x, cap);
  }

  @Override
  public T gate(T gate, T up, Activation activation) {
    return ops.gate(gate, up, activation);
  }

  @Override
  public List<Route<T>> route(T logits, FeedForward.Experts experts) {
    return ops.route(logits, experts);
  }

  @Override
  public T gather(T x, Route<T> route) {
    return ops.gather(x, route);
  }

  @Override
  public T combine(int tokens, List<Route<T>> routes, List<T> parts) {
    return ops.combine(tokens, routes, parts);
  }

  @Override
  public T pool(T x, Pooling pooling, Batch batch) {
    return ops.pool(x, pooling, batch);
  }

  @Override
  public T rows(T x, int[] rows) {
    return ops.rows(x, rows);
  }

  @Override
  public T concat(List<T> parts) {
    return ops.concat(parts);
  }

  @Override
  public T normalize(T x) {
    return ops.normalize(x);
  }

  @Override
  public T columns(T x, int count) {
    return ops.columns(x, count);
  }

  @Override
  public T columns(T x, int group, int from, int count) {
    return ops.columns(x, group, from, count);
  }

  @Override
  public T scope(Supplier<T> part) {
    return ops.scope(part);
  }
}
