package dev.hone.runtime;

import dev.hone.model.Attention;
import dev.hone.model.Batch;
import dev.hone.model.Embedding;
import dev.hone.model.FeedForward;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Ops;
import dev.hone.model.Position;
import dev.hone.model.Rope;
import dev.hone.model.Route;
import dev.hone.model.Weight;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.Kernels.Product;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * Runs a model with kernels, for one thread at a time. Activations live in two slabs that scopes
 * use in turn: what one scope answers stays readable while the next one runs.
 */
final class SimdOps implements Ops<Tensor>, AutoCloseable {
  private final Kernels kernels;
  private final PackedWeights weights;
  private final PositionTables positions = new PositionTables();
  private Slab slab = new Slab();
  private Slab other = new Slab();
  private boolean inScope;
  private long scopeBytes;

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
    Product product = product(x, layer, activation);
    int[] order = layer.weight().tensor().columnOrder();
    kernels.linear(order == null ? x : inOrder(x, order), List.of(product));
    return product.y();
  }

  @Override
  public List<Tensor> linear(Tensor x, List<Linear> layers) {
    if (layers.stream().anyMatch(layer -> layer.weight().tensor().columnOrder() != null)) {
      return Ops.super.linear(x, layers);
    }
    List<Product> products =
        layers.stream().map(layer -> product(x, layer, Activation.NONE)).toList();
    kernels.linear(x, products);
    return products.stream().map(Product::y).toList();
  }

  private Product product(Tensor x, Linear layer, Activation activation) {
    Tensor bias = layer.bias() == null ? null : layer.bias().tensor();
    Tensor y = slab.matrix(x.rows(), layer.out());
    return new Product(weights.of(layer), bias, activation, y);
  }

  /** The columns of x in the order in which a weight's stand. */
  private Tensor inOrder(Tensor x, int[] order) {
    Tensor out = slab.matrix(x.rows(), x.cols());
    float[] from = new float[order.length];
    float[] to = new float[order.length];
    for (long row = 0; row < x.rows(); row++) {
      MemorySegment.copy(x.row(row), Tensor.FLOAT, 0, from, 0, from.length);
      for (int i = 0; i < to.length; i++) {
        to[i] = from[order[i]];
      }
      MemorySegment.copy(to, 0, out.row(row), Tensor.FLOAT, 0, to.length);
    }
    return out;
  }

  @Override
  public Tensor attention(
      Tensor query,
      Tensor key,
      Tensor value,
      Attention attention,
      int layer,
      Batch batch,
      KeyValueCache cache) {
    Tensor out = slab.matrix(query.rows(), query.cols());
    KeyValues keys =
        switch (attention.keys()) {
          case OWN_SEQUENCE -> cache.append(layer, key, value, batch.offsets());
        };
    Tensor bias =
        switch (attention.position()) {
          case Position.Unknown _, Rope _ -> null;
          case Position.Buckets buckets -> positions.biases(buckets);
        };
    boolean rounding = !attention.output().input().equals(Input.FLOAT);
    AttentionShape shape = attention.shape().rounding(rounding);
    kernels.attention(query, batch.offsets(), keys, shape, attention.mask(), bias, out);
    return out;
  }

  @Override
  public Tensor rope(Tensor x, Rope rope, int headDim, int[] at, int[] reach) {
    for (int from = 0, to; from < at.length; from = to) {
      Rope own = rope.of(reach[from]);
      to = from + 1;
      while (to < at.length && (reach[to] == reach[from] || rope.of(reach[to]).equals(own))) {
        to++;
      }
      int[] some = from == 0 && to == at.length ? at : Arrays.copyOfRange(at, from, to);
      Tensor rows = x.slice(from, to);
      kernels.rope(rows, positions.turns(own, some), some, headDim, rows);
    }
    return x;
  }

  @Override
  public Tensor norm(Tensor x, Tensor residual, Norm norm) {
    Tensor out = slab.matrix(x.rows(), x.cols());
    switch (norm) {
      case Norm.LayerNorm layer ->
          kernels.layerNorm(
              pieces(x, layer.weight()),
              pieces(residual, layer.weight()),
              layer.weight().tensor(),
              layer.bias() == null ? null : layer.bias().tensor(),
              layer.epsilon(),
              pieces(out, layer.weight()));
      case Norm.RmsNorm rms ->
          kernels.rmsNorm(
              pieces(x, rms.weight()),
              pieces(residual, rms.weight()),
              rms.weight().tensor(),
              rms.shift(),
              rms.epsilon(),
              pieces(out, rms.weight()));
    }
    return out;
  }

  /** Rows as long as a norm's weight. */
  private static Tensor pieces(Tensor x, Weight weight) {
    long length = weight.tensor().cols();
    return x == null || x.cols() == length ? x : x.reshape(x.size() / length, length);
  }

  @Override
  public Tensor add(Tensor a, Tensor b) {
    Tensor out = slab.matrix(a.rows(), a.cols());
    kernels.add(a, b, out);
    return out;
  }

  @Override
  public Tensor scale(Tensor x, float factor) {
    Tensor out = slab.matrix(x.rows(), x.cols());
    kernels.scale(x, factor, out);
    return out;
  }

  @Override
  public Tensor softCap(Tensor x, float cap) {
    Tensor out = slab.matrix(x.rows(), x.cols());
    kernels.softCap(x, cap, out);
    return out;
  }

  @Override
  public Tensor gate(Tensor gate, Tensor up, Activation activation) {
    Tensor out = slab.matrix(gate.rows(), gate.cols());
    kernels.gate(gate, up, activation, out);
    return out;
  }

  @Override
  public List<Route<Tensor>> route(Tensor logits, FeedForward.Experts experts) {
    return Routing.of(logits, experts.chosen(), experts.normalized()).routes(slab);
  }

  @Override
  public Tensor gather(Tensor x, Route<Tensor> route) {
    return rows(x, route.tokens());
  }

  @Override
  public Tensor combine(int tokens, List<Route<Tensor>> routes, List<Tensor> parts) {
    Tensor out = slab.matrix(tokens, parts.getFirst().cols());
    out.data().fill((byte) 0);
    for (int i = 0; i < parts.size(); i++) {
      Route<Tensor> route = routes.get(i);
      kernels.addRows(parts.get(i), route.weights().toArray(), route.tokens(), out);
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
  public Tensor columns(Tensor x, int group, int from, int count) {
    long groups = x.cols() / group;
    Tensor out = slab.matrix(x.rows(), groups * count);
    long bytes = (long) count * Float.BYTES;
    for (long i = 0; i < x.rows() * groups; i++) {
      long at = (i * group + from) * Float.BYTES;
      MemorySegment.copy(x.data(), at, out.data(), i * bytes, bytes);
    }
    return out;
  }

  @Override
  public Tensor scope(Supplier<Tensor> part) {
    if (inScope) {
      return part.get();
    }
    Slab next = other;
    other = slab;
    slab = next;
    slab.reset();
    inScope = true;
    try {
      return part.get();
    } finally {
      inScope = false;
      scopeBytes = Math.max(scopeBytes, slab.wanted());
    }
  }

  /** Makes room at once for scopes of so many bytes; between two batches. */
  void reserve(long bytes) {
    slab.reserve(bytes);
    other.reserve(bytes);
  }

  /** The most bytes that a scope took. */
  long scopeBytes() {
    return scopeBytes;
  }

  /** The most bytes that the slabs and the tables of positions have held. */
  long sizeBytes() {
    return slab.sizeBytes() + other.sizeBytes() + positions.sizeBytes();
  }

  @Override
  public void close() {
    slab.close();
    other.close();
    positions.close();
  }
}
