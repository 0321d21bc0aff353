package dev.hone.runtime;

import dev.hone.model.Attention;
import dev.hone.model.Batch;
import dev.hone.model.Embedding;
import dev.hone.model.FeedForward;
import dev.hone.model.KeyValueCache;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Ops;
import dev.hone.model.Role;
import dev.hone.model.Rope;
import dev.hone.model.Route;
import dev.hone.model.Transformer;
import dev.hone.model.cost.CostOps;
import dev.hone.model.cost.Shape;
import dev.hone.runtime.Operation.Kind;
import dev.hone.tensor.Activation;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Arithmetic;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Operations that are told of as they run. Each is done, and then counted: the same call goes to
 * {@link CostOps}.
 */
final class WatchedOps implements Ops<Tensor> {
  private final Ops<Tensor> ops;
  private final PackedWeights weights;
  private final OperationWatch watch;
  private final CostOps cost;
  private final IdentityHashMap<Linear, Role> roles = new IdentityHashMap<>();
  private final IdentityHashMap<Linear, Read> alone = new IdentityHashMap<>();

  /** By the first of the layers. */
  private final IdentityHashMap<Linear, Optional<Read>> together = new IdentityHashMap<>();

  /** What is told of the weights that a product reads, made once: telling is to cost no time. */
  private record Read(
      Kind kind, String weights, String layers, long bytes, Arithmetic arithmetic) {}

  WatchedOps(Transformer model, Ops<Tensor> ops, PackedWeights weights, OperationWatch watch) {
    this.ops = ops;
    this.weights = weights;
    this.watch = watch;
    this.cost = new CostOps(model);
    model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            roles.put(layer, role);
            return layer;
          }
        });
  }

  @Override
  public Tensor embed(Embedding table, int[] rows, Tensor sum) {
    watch.begin();
    Tensor out = ops.embed(table, rows, sum);
    watch.end();
    cost.embed(table, rows, shape(sum));
    Tensor weight = table.weight().tensor();
    long read = weight.sizeBytes() / weight.rows() * rows.length;
    String type = weight.dtype().label();
    String name = table.weight().name();
    tell(new Read(Kind.EMBEDDING, type, name, read, Arithmetic.F32), sum, List.of(out));
    return out;
  }

  @Override
  public Tensor linear(Tensor x, Linear layer, Activation activation) {
    watch.begin();
    Tensor out = ops.linear(x, layer, activation);
    watch.end();
    cost.linear(shape(x), layer, activation);
    tell(alone.computeIfAbsent(layer, this::read), x, List.of(out));
    return out;
  }

  /** Weights of one type are one operation; others are told of one by one. */
  @Override
  public List<Tensor> linear(Tensor x, List<Linear> layers) {
    Optional<Read> read = together.computeIfAbsent(layers.getFirst(), _ -> read(layers));
    if (read.isEmpty()) {
      return Ops.super.linear(x, layers);
    }
    watch.begin();
    List<Tensor> out = ops.linear(x, layers);
    watch.end();
    for (Linear layer : layers) {
      cost.linear(shape(x), layer, Activation.NONE);
    }
    tell(read.get(), x, out);
    return out;
  }

  private Optional<Read> read(List<Linear> layers) {
    List<Read> each = layers.stream().map(this::read).toList();
    Read first = each.getFirst();
    if (!each.stream().allMatch(r -> r.weights().equals(first.weights()))) {
      return Optional.empty();
    }
    return Optional.of(
        new Read(
            Kind.of(layers.stream().map(roles::get).toList()),
            first.weights(),
            each.stream().map(Read::layers).collect(Collectors.joining(", ")),
            each.stream().mapToLong(Read::bytes).sum(),
            first.arithmetic()));
  }

  private Read read(Linear layer) {
    // The word table as a head is no layer of its own.
    Kind kind = roles.containsKey(layer) ? Kind.of(roles.get(layer)) : Kind.HEAD;
    Arithmetic arithmetic = weights.of(layer).arithmetic();
    String dtype = layer.weight().tensor().dtype().label();
    String type = weights.of(layer).sparse() ? dtype + " sparse" : dtype;
    String label =
        layer.input().equals(Input.FLOAT)
            ? type + (arithmetic == Arithmetic.INT8 ? " by int8" : "")
            : type + " by " + layer.input().label();
    return new Read(kind, label, layer.name(), weights.bytes(layer), arithmetic);
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
    watch.begin();
    var watched = new WatchedCache(cache);
    Tensor out = ops.attention(query, key, value, attention, layer, batch, watched);
    watch.end();
    cost.attention(shape(query), shape(key), shape(value), attention, layer, batch, cache);
    tell(Kind.ATTENTION, bytes(query) + watched.bytes, out);
    return out;
  }

  @Override
  public Tensor rope(Tensor x, Rope rope, int headDim, int[] positions, int[] reach) {
    return watched(
        Kind.ROPE,
        () -> ops.rope(x, rope, headDim, positions, reach),
        c -> c.rope(shape(x), rope, headDim, positions, reach),
        x);
  }

  @Override
  public Tensor norm(Tensor x, Tensor residual, Norm norm) {
    return watched(
        Kind.NORM,
        () -> ops.norm(x, residual, norm),
        c -> c.norm(shape(x), shape(residual), norm),
        x,
        residual);
  }

  @Override
  public Tensor add(Tensor a, Tensor b) {
    return watched(Kind.RESIDUAL, () -> ops.add(a, b), c -> c.add(shape(a), shape(b)), a, b);
  }

  @Override
  public Tensor scale(Tensor x, float factor) {
    return watched(Kind.SCALE, () -> ops.scale(x, factor), c -> c.scale(shape(x), factor), x);
  }

  @Override
  public Tensor softCap(Tensor x, float cap) {
    return watched(Kind.SOFT_CAP, () -> ops.softCap(x, cap), c -> c.softCap(shape(x), cap), x);
  }

  @Override
  public Tensor gate(Tensor gate, Tensor up, Activation activation) {
    return watched(
        Kind.ACTIVATION,
        () -> ops.gate(gate, up, activation),
        c -> c.gate(shape(gate), shape(up), activation),
        gate,
        up);
  }

  @Override
  public List<Route<Tensor>> route(Tensor logits, FeedForward.Experts experts) {
    watch.begin();
    List<Route<Tensor>> routes = ops.route(logits, experts);
    watch.end();
    cost.route(shape(logits), experts);
    tell(Kind.ROUTING, 0, logits);
    return routes;
  }

  @Override
  public Tensor gather(Tensor x, Route<Tensor> route) {
    return watched(
        Kind.ROUTING, () -> ops.gather(x, route), c -> c.gather(shape(x), shape(route)), x);
  }

  @Override
  public Tensor combine(int tokens, List<Route<Tensor>> routes, List<Tensor> parts) {
    return watched(
        Kind.ROUTING,
        () -> ops.combine(tokens, routes, parts),
        c ->
            c.combine(
                tokens,
                routes.stream().map(WatchedOps::shape).toList(),
                parts.stream().map(WatchedOps::shape).toList()),
        parts.toArray(Tensor[]::new));
  }

  @Override
  public Tensor pool(Tensor x, Pooling pooling, Batch batch) {
    return watched(
        Kind.POOLING, () -> ops.pool(x, pooling, batch), c -> c.pool(shape(x), pooling, batch), x);
  }

  @Override
  public Tensor rows(Tensor x, int[] rows) {
    return watched(Kind.COPY, () -> ops.rows(x, rows), c -> c.rows(shape(x), rows));
  }

  @Override
  public Tensor concat(List<Tensor> parts) {
    return watched(
        Kind.COPY,
        () -> ops.concat(parts),
        c -> c.concat(parts.stream().map(WatchedOps::shape).toList()),
        parts.toArray(Tensor[]::new));
  }

  @Override
  public Tensor normalize(Tensor x) {
    return watched(Kind.NORM, () -> ops.normalize(x), c -> c.normalize(shape(x)), x);
  }

  @Override
  public Tensor columns(Tensor x, int count) {
    return watched(Kind.COPY, () -> ops.columns(x, count), c -> c.columns(shape(x), count));
  }

  @Override
  public Tensor columns(Tensor x, int group, int from, int count) {
    return watched(
        Kind.COPY,
        () -> ops.columns(x, group, from, count),
        c -> c.columns(shape(x), group, from, count));
  }

  @Override
  public Tensor scope(Supplier<Tensor> part) {
    return ops.scope(part);
  }

  /** An operation without a layer's weights. */
  private Tensor watched(
      Kind kind, Supplier<Tensor> operation, Consumer<CostOps> counted, Tensor... inputs) {
    watch.begin();
    Tensor out = operation.get();
    watch.end();
    counted.accept(cost);
    long read = 0;
    for (Tensor input : inputs) {
      read += bytes(input);
    }
    tell(kind, inputs.length == 0 ? bytes(out) : read, out);
    return out;
  }

  private void tell(Kind kind, long read, Tensor out) {
    tell(new Read(kind, "", "", read, Arithmetic.F32), null, List.of(out));
  }

  private void tell(Read read, Tensor x, List<Tensor> out) {
    long bytes = read.bytes() + bytes(x);
    for (Tensor y : out) {
      bytes += bytes(y);
    }
    watch.tell(
        new Operation(
            read.kind(),
            read.weights(),
            read.layers(),
            out.getFirst().rows(),
            cost.takeOperations(),
            bytes,
            read.arithmetic()));
  }

  private static long bytes(Tensor x) {
    return x == null ? 0 : x.sizeBytes();
  }

  private static Shape shape(Tensor x) {
    return x == null ? null : new Shape(x.rows(), x.cols());
  }

  private static Route<Shape> shape(Route<Tensor> route) {
    return new Route<>(route.expert(), route.tokens(), shape(route.weights()));
  }

  /** A cache of which is counted what attention reads. */
  private static final class WatchedCache implements KeyValueCache {
    private final KeyValueCache cache;
    private long bytes;

    WatchedCache(KeyValueCache cache) {
      this.cache = cache;
    }

    @Override
    public KeyValues append(int layer, Tensor keys, Tensor values, int[] offsets) {
      KeyValues all = cache.append(layer, keys, values, offsets);
      long row = all.dtype().rowBytes(keys.cols()) + all.dtype().rowBytes(values.cols());
      for (int s = 0; s < all.sequences(); s++) {
        bytes += all.count(s) * row;
      }
      return all;
    }

    @Override
    public int past(int sequence) {
      return cache.past(sequence);
    }

    @Override
    public int meant(int sequence) {
      return cache.meant(sequence);
    }

    @Override
    public void advance(int[] offsets) {
      cache.advance(offsets);
    }
  }
}
