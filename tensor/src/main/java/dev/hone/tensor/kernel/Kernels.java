package dev.hone.tensor.kernel;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * One tier of kernels: everything that touches numbers while a model runs. {@code kernel.scalar} is
 * the specification; every other tier is checked against it over one table of cases.
 *
 * <p>Activations are F32 tensors [token, dim]; outputs are given by the caller and overwritten. A
 * packed batch of sequences is described by {@code offsets}: sequence s is the tokens {@code
 * offsets[s] .. offsets[s + 1]}.
 */
public interface Kernels {

  /** The tier's name: {@code scalar}, {@code vector}, {@code assembled}. */
  String name();

  /** The threads that compute. */
  ComputePool pool();

  /** The same kernels on the calling thread alone, for one thread at a time. */
  Kernels alone();

  /**
   * Puts a weight matrix [out, in] of any type into the order that {@link #linear} reads.
   *
   * @param input what products with it make of their input
   * @param arena memory of the packed copy; the weight's own must live as long
   */
  PackedMatrix pack(Tensor weight, Input input, Arena arena);

  /** A matrix whose products take their input as it comes. */
  default PackedMatrix pack(Tensor weight, Arena arena) {
    return pack(weight, Input.FLOAT, arena);
  }

  /**
   * Whether products of inputs rounded in blocks ({@link Input#BLOCK_INT8}) with a weight are
   * products of integers, and so faster than those of floats.
   */
  default boolean multipliesBlocks(Tensor weight) {
    return false;
  }

  /**
   * Whether products of inputs rounded to BF16 ({@link Input#BF16}) with weights stored so are
   * faster than those of floats.
   */
  default boolean multipliesBf16() {
    return false;
  }

  /**
   * Whether there are products with such a weight that do not read its zeros. Whether they are
   * faster than others is to be measured.
   */
  default boolean multipliesSparse(Tensor weight) {
    return false;
  }

  /**
   * Puts a weight that {@link #multipliesSparse} into an order without its zeros; products with it
   * take their input as it comes.
   */
  default PackedMatrix packSparse(Tensor weight, Arena arena) {
    throw new UnsupportedOperationException(name() + " kernels have no sparse products");
  }

  /**
   * {@code y[t, n] = activation(Σk x[t, k] w[n, k] + bias[n])}, where x is read as the weight was
   * packed for.
   *
   * @param x [token, in]
   * @param bias [out] in F32, or null
   * @param y [token, out]
   */
  void linear(Tensor x, PackedMatrix weight, Tensor bias, Activation activation, Tensor y);

  /**
   * One of several products of an input, with what {@link #linear(Tensor, PackedMatrix, Tensor,
   * Activation, Tensor)} takes.
   */
  record Product(PackedMatrix weight, Tensor bias, Activation activation, Tensor y) {}

  /** Several products of one input, which may share what is made of it. */
  default void linear(Tensor x, List<Product> products) {
    for (Product p : products) {
      linear(x, p.weight(), p.bias(), p.activation(), p.y());
    }
  }

  /**
   * {@code out = softmax(scale q kᵀ) v} within each sequence, without the scores of a whole
   * sequence ever standing in memory (Milakov, Gimelshein, "Online normalizer calculation for
   * softmax"). A sequence may have more keys than queries: its queries are then its last tokens.
   *
   * @param q [token, heads * headDim]
   * @param offsets first query of every sequence, and the number of all queries at the end
   * @param keys of as many sequences
   * @param mask which of its sequence's keys a query sees
   * @param bias [heads, 2 r + 1] in F32: what is added to the score of a key that stands d after
   *     the query's own, in column {@code r + d}, where a d further than r counts as r; or null
   * @param out [token, heads * headDim]
   */
  void attention(
      Tensor q,
      int[] offsets,
      KeyValues keys,
      AttentionShape shape,
      AttentionMask mask,
      Tensor bias,
      Tensor out);

  /** Attention in which every token sees every token of its own sequence. */
  default void attention(
      Tensor q, Tensor k, Tensor v, AttentionShape shape, int[] offsets, Tensor out) {
    attention(q, offsets, KeyValues.packed(k, v, offsets), shape, AttentionMask.ALL, null, out);
  }

  /**
   * Turns pairs of numbers of every head by angles that grow with the token's position. Su et al.,
   * "RoFormer: Enhanced Transformer with Rotary Position Embedding", section 3.2.2, with the pairs
   * of Hugging Face's checkpoints: number d of a head with number {@code d + rotary / 2}.
   *
   * @param x [token, heads * headDim]
   * @param table [position, rotary]: cosines of the angles of all pairs, then their sines; numbers
   *     of a head from {@code rotary} on stay as they are
   * @param positions row of {@code table} for every token
   * @param out same shape as x; may be x
   */
  void rope(Tensor x, Tensor table, int[] positions, int headDim, Tensor out);

  /**
   * Layer normalization of {@code x + residual} over the columns. Ba, Kiros, Hinton, "Layer
   * Normalization".
   *
   * @param residual same shape as x, or null
   * @param weight [dim] in F32
   * @param bias [dim] in F32, or null
   */
  void layerNorm(Tensor x, Tensor residual, Tensor weight, Tensor bias, float epsilon, Tensor out);

  /**
   * Root mean square normalization of {@code x + residual} over the columns: {@code x / rms(x)
   * (weight + shift)}. Zhang, Sennrich, "Root Mean Square Layer Normalization".
   *
   * @param residual same shape as x, or null
   * @param weight [dim] in F32
   */
  void rmsNorm(Tensor x, Tensor residual, Tensor weight, float shift, float epsilon, Tensor out);

  /**
   * {@code out[t] = table[rows[t]]}, or added to what is there.
   *
   * @param table [entry, dim] of any type
   */
  void embed(Tensor table, int[] rows, boolean add, Tensor out);

  /** {@code out = a + b}; out may be a or b. */
  void add(Tensor a, Tensor b, Tensor out);

  /** {@code out = activation(x)}; out may be x. */
  void activate(Tensor x, Activation activation, Tensor out);

  /** {@code out = activation(gate) up}; out may be one of them. */
  void gate(Tensor gate, Tensor up, Activation activation, Tensor out);

  /** {@code out = factor x}; out may be x. */
  void scale(Tensor x, float factor, Tensor out);

  /** {@code out = cap tanh(x / cap)}; out may be x. */
  void softCap(Tensor x, float cap, Tensor out);

  /**
   * {@code out[rows[i]] += factors[i] x[i]}.
   *
   * @param rows of {@code out}, none of them twice
   */
  void addRows(Tensor x, float[] factors, int[] rows, Tensor out);

  /** One vector a sequence: {@code out} [sequence, dim]. */
  void pool(Tensor x, Pooling pooling, int[] offsets, Tensor out);

  /** Every row divided by its Euclidean length, or by 1e-12 where that is larger; out may be x. */
  void normalize(Tensor x, Tensor out);
}
