package dev.hone.model;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import java.util.List;
import java.util.function.Supplier;

/**
 * The operations a Transformer is made of, at the level at which they fuse. {@link Forward} knows
 * nothing below them; whoever implements them runs, differentiates, counts or observes a model.
 *
 * @param <T> a matrix of activations [token, dim]
 */
public interface Ops<T> {

  /** The rows of a table, added to {@code sum} where that is not null. */
  T embed(Embedding table, int[] rows, T sum);

  /** {@code activation(x Wᵀ + b)}. */
  T linear(T x, Linear layer, Activation activation);

  /** {@code x Wᵀ + b} of several layers that read the same. */
  default List<T> linear(T x, List<Linear> layers) {
    return layers.stream().map(layer -> linear(x, layer, Activation.NONE)).toList();
  }

  /**
   * Softmax attention of projected queries, keys and values within each sequence of the batch, and
   * what the cache has of it.
   *
   * @param layer index of the block
   */
  T attention(
      T query, T key, T value, Attention attention, int layer, Batch batch, KeyValueCache cache);

  /**
   * Queries or keys turned by their positions. The answer may stand in place of x.
   *
   * @param headDim columns of one head
   * @param positions of every token
   * @param reach of every token: what {@link Rope#of} is to be asked for, the same for all tokens
   *     of a sequence
   */
  T rope(T x, Rope rope, int headDim, int[] positions, int[] reach);

  /**
   * {@code norm(x + residual)}; residual may be null. Rows longer than the norm's weight are
   * normalized in pieces of its length, as heads are.
   */
  T norm(T x, T residual, Norm norm);

  /** {@code a + b}. */
  T add(T a, T b);

  /** {@code factor x}. */
  T scale(T x, float factor);

  /** {@code cap tanh(x / cap)}. */
  T softCap(T x, float cap);

  /** {@code activation(gate) up}. */
  T gate(T gate, T up, Activation activation);

  /**
   * The experts that tokens go to: for each expert that has any, in the order of the experts.
   *
   * @param logits [token, expert]
   */
  List<Route<T>> route(T logits, FeedForward.Experts experts);

  /** The tokens that go to an expert. */
  T gather(T x, Route<T> route);

  /**
   * The weighted sum of what experts made of their tokens.
   *
   * @param tokens of the batch
   * @param parts for each route the answer to its tokens
   */
  T combine(int tokens, List<Route<T>> routes, List<T> parts);

  /** One vector a sequence. */
  T pool(T x, Pooling pooling, Batch batch);

  /** The rows with the given indices. */
  T rows(T x, int[] rows);

  /** Matrices of equally many rows, side by side. */
  T concat(List<T> parts);

  /** Every row divided by its Euclidean length. */
  T normalize(T x);

  /** The leading columns of every row. */
  T columns(T x, int count);

  /**
   * Of every {@code group} columns those from {@code from} on.
   *
   * @param group a divisor of the columns of x
   */
  T columns(T x, int group, int from, int count);

  /**
   * Runs a part of the model whose intermediate results are not needed once it has ended. Its
   * result lives until the scope after the next one begins: it may be read by the next scope, not
   * later. A scope within a scope is a part of that.
   */
  T scope(Supplier<T> part);
}
