package dev.hone.runtime;

import dev.hone.model.Attention;
import dev.hone.model.Batch;
import dev.hone.model.Embedding;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Ops;
import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;

/**
 * Runs a model with kernels, for one thread at a time. Activations live in two slabs that scopes
 * use in turn: what one scope answers stays readable while the next one runs.
 */
final class SimdOps implements Ops<Tensor>, AutoCloseable {
  private final Kernels kernels;
  private final PackedWeights weights;
  private Slab slab = new Slab();
  private Slab other = new Slab();

  SimdOps(Kernels kernels, PackedWeights weights) {
    this.kernels = kernels;
    this.weights = weights;
  }

  @Override
  public Tensor embed(Embedding table, int[] rows, Tensor sum) {
    Tensor out = sum == null ? slab.matrix(rows.length, table.dim()) : sum;
    kernels.embed(table.weight().tensor(), rows, sum != null, out);
    return out;
  }

  @Override
  public Tensor linear(Tensor x, Linear layer, Activation activation) {
    Tensor y = slab.matrix(x.rows(), layer.out());
    Tensor bias = layer.bias() == null ? null : layer.bias().tensor();
    kernels.linear(x, weights.of(layer), bias, activation, y);
    return y;
  }

  @Override
  public Tensor attention(
      Tensor query, Tensor key, Tensor value, Attention attention, Batch batch) {
    Tensor out = slab.matrix(query.rows(), query.cols());
    switch (attention.keys()) {
      case OWN_SEQUENCE ->
          kernels.attention(query, key, value, attention.shape(), batch.offsets(), out);
    }
    return out;
  }

  @Override
  public Tensor norm(Tensor x, Tensor residual, Norm norm) {
    Tensor out = slab.matrix(x.rows(), x.cols());
    switch (norm) {
      case Norm.LayerNorm layer ->
          kernels.layerNorm(
              x,
              residual,
              layer.weight().tensor(),
              layer.bias() == null ? null : layer.bias().tensor(),
              layer.epsilon(),
              out);
    }
    return out;
  }

  @Override
  public Tensor pool(Tensor x, Pooling pooling, Batch batch) {
    Tensor out = slab.matrix(batch.sequences(), x.cols());
    kernels.pool(x, pooling, batch.offsets(), out);
    return out;
  }

  @Override
  public Tensor rows(Tensor x, int[] rows) {
    Tensor out = slab.matrix(rows.length, x.cols());
    kernels.embed(x, rows, false, out);
    return out;
  }

  @Override
  public Tensor concat(List<Tensor> parts) {
    long cols = parts.stream().mapToLong(Tensor::cols).sum();
    Tensor out = slab.matrix(parts.getFirst().rows(), cols);
    for (long row = 0; row < out.rows(); row++) {
      long at = row * cols * Float.BYTES;
      for (Tensor part : parts) {
        MemorySegment from = part.row(row);
        MemorySegment.copy(from, 0, out.data(), at, from.byteSize());
        at += from.byteSize();
      }
    }
    return out;
  }

  @Override
  public Tensor normalize(Tensor x) {
    Tensor out = slab.matrix(x.rows(), x.cols());
    kernels.normalize(x, out);
    return out;
  }

  @Override
  public Tensor columns(Tensor x, int count) {
    Tensor out = slab.matrix(x.rows(), count);
    for (long row = 0; row < x.rows(); row++) {
      MemorySegment.copy(x.row(row), 0, out.row(row), 0, out.row(row).byteSize());
    }
    return out;
  }

  @Override
  public Tensor scope(Supplier<Tensor> part) {
    Slab next = other;
    other = slab;
    slab = next;
    slab.reset();
    return part.get();
  }

  /** The most bytes that the slabs have held. */
  long sizeBytes() {
    return slab.sizeBytes() + other.sizeBytes();
  }

  @Override
  public void close() {
    slab.close();
    other.close();
  }
}
