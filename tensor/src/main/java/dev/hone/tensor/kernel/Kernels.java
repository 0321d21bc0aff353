package dev.hone.tensor.kernel;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;

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

  /**
   * Puts a weight matrix [out, in] of any type into the order that {@link #linear} reads.
   *
   * @param arena memory of the packed copy; the weight's own must live as long
   */
  PackedMatrix pack(Tensor weight, Arena arena);

  /**
   * {@code y[t, n] = activation(Σk x[t, k] w[n, k] + bias[n])}.
   *
   * @param x [token, in]
   * @param bias [out] in F32, or null
   * @param y [token, out]
   */
  void linear(Tensor x, PackedMatrix weight, Tensor bias, Activation activation, Tensor y);

  /**
   * {@code out = softmax(scale q kᵀ) v} within each sequence, every token seeing every token of its
   * own, without the scores of a whole sequence ever standing in memory (Milakov, Gimelshein,
   * "Online normalizer calculation for softmax").
   *
   * @param q [token, heads * headDim]
   * @param k [token, kvHeads * headDim]
   * @param v [token, kvHeads * headDim]
   * @param out [token, heads * headDim]
   */
  void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, int[] offsets, Tensor out);

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
   * {@code out[t] = table[rows[t]]}, or added to what is there.
   *
   * @param table [entry, dim] of any type
   */
  void embed(Tensor table, int[] rows, boolean add, Tensor out);

  /** {@code out = a + b}; out may be a or b. */
  void add(Tensor a, Tensor b, Tensor out);

  /** {@code out = activation(x)}; out may be x. */
  void activate(Tensor x, Activation activation, Tensor out);

  /** One vector a sequence: {@code out} [sequence, dim]. */
  void pool(Tensor x, Pooling pooling, int[] offsets, Tensor out);

  /** Every row divided by its Euclidean length, or by 1e-12 where that is larger; out may be x. */
  void normalize(Tensor x, Tensor out);
}
