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

  /** Softmax attention of projected queries, keys and values within each sequence of the batch. */
  T attention(T query, T key, T value, Attention attention, Batch batch);

  /** {@code norm(x + residual)}; residual may be null. */
  T norm(T x, T residual, Norm norm);

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
   * Runs a part of the model whose intermediate results are not needed once it has ended. Its
   * result lives until the scope after the next one begins: it may be read by the next scope, not
   * later.
   */
  T scope(Supplier<T> part);
}
