package dev.hone.model.cost;

import dev.hone.model.Attention;
import dev.hone.model.Batch;
import dev.hone.model.Embedding;
import dev.hone.model.FeedForward;
import dev.hone.model.KeyValueCache;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Ops;
import dev.hone.model.Position;
import dev.hone.model.Role;
import dev.hone.model.Rope;
import dev.hone.model.Route;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.Pooling;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Counts what a model would do with a batch, without doing it. An operation is one addition,
 * multiplication, comparison or elementary function of one number: a multiply-add is two.
 */
public final class CostOps implements Ops<Shape> {
  /** Largest, difference, exponential, sum, quotient. */
  private static final int SOFTMAX = 5;

  /** Sum; difference, square, sum; product with the inverse deviation, with the weight; bias. */
  private static final int LAYER_NORM = 7;

  /** Square, sum; product with the inverse root, with the weight. */
  private static final int RMS_NORM = 4;

  /** Quotient, tanh, product. */
  private static final int SOFT_CAP = 3;

  /** Square and sum; quotient. */
  private static final int NORMALIZE = 3;

  private final Map<Part, Counter> counters = new EnumMap<>(Part.class);
  private final IdentityHashMap<Linear, Part> parts = new IdentityHashMap<>();
  private final Set<Weight> biases = new HashSet<>();

  /** What a part has come to so far. */
  public static final class Counter {
    private long operations;
    private long weightBytes;
    private long activationBytes;

    public long operations() {
      return operations;
    }

    /** Of each weight once, however often it was read. */
    public long weightBytes() {
      return weightBytes;
    }

    /** What the part hands on. */
    public long activationBytes() {
      return activationBytes;
    }
  }

  /** Counts the work of one model. */
  public CostOps(Transformer model) {
    model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            parts.put(layer, part(role));
            return layer;
          }
        });
  }

  /** What was counted so far, by part. */
  public Map<Part, Counter> counters() {
    return counters;
  }

  /** Operations of all parts, which are then counted from zero again. */
  public long takeOperations() {
    long operations = counters.values().stream().mapToLong(Counter::operations).sum();
    counters.clear();
    return operations;
  }

  private static Part part(Role role) {
    return switch (role) {
      case QUERY, KEY, VALUE, QUERY_KEY_VALUE -> Part.PROJECTIONS;
      case ATTENTION_OUTPUT -> Part.ATTENTION_OUTPUT;
      case FEED_FORWARD_GATE, FEED_FORWARD_UP, FEED_FORWARD_GATE_UP, FEED_FORWARD_DOWN, ROUTER ->
          Part.FEED_FORWARD;
      case HEAD -> Part.HEAD;
      case WORD_EMBEDDING, POSITION_EMBEDDING, TYPE_EMBEDDING -> Part.EMBEDDINGS;
    };
  }

  @Override
  public Shape embed(Embedding table, int[] rows, Shape sum) {
    Shape out = new Shape(rows.length, table.dim());
    // Added in place where there is a sum: no further activations.
    count(Part.EMBEDDINGS, sum == null ? 0 : out.size(), sum == null ? out.bytes() : 0);
    weigh(Part.EMBEDDINGS, table.weight());
    return out;
  }

  @Override
  public Shape linear(Shape x, Linear layer, Activation activation) {
    // The word table as a head is no layer of its own, and was weighed as embeddings.
    Part part = parts.getOrDefault(layer, Part.HEAD);
    Shape out = new Shape(x.rows(), layer.out());
    long each = 2L * layer.in() + (layer.bias() == null ? 0 : 1) + operations(activation);
    count(part, out.size() * each, out.bytes());
    if (parts.containsKey(layer)) {
      weigh(part, layer.weight());
      weigh(part, layer.bias());
    }
    return out;
  }

  @Override
  public Shape attention(
      Shape query,
      Shape key,
      Shape value,
      Attention attention,
      int layer,
      Batch batch,
      KeyValueCache cache) {
    int heads = attention.shape().heads();
    int headDim = attention.shape().headDim();
    long scores = 0;
    for (int s = 0; s < batch.sequences(); s++) {
      int queries = batch.offsets()[s + 1] - batch.offsets()[s];
      int past = cache.past(s);
      scores +=
          switch (attention.keys()) {
            case OWN_SEQUENCE -> heads * seen(attention.mask(), past, queries);
          };
    }
    switch (attention.position()) {
      case Position.Unknown _, Rope _ -> {}
      case Position.Buckets buckets -> {
        count(Part.SCORES, scores, 0);
        if (biases.add(buckets.weight())) {
          weigh(Part.SCORES, buckets.weight());
        }
      }
    }
    if (attention.shape().softCap() > 0) {
      count(Part.SCORES, scores * SOFT_CAP, 0);
    }
    // A dot product of headDim numbers, and the scale.
    count(Part.SCORES, scores * (2L * headDim + 1), scores * Float.BYTES);
    count(Part.SOFTMAX, scores * SOFTMAX, scores * Float.BYTES);
    Shape out = new Shape(query.rows(), (long) heads * headDim);
    count(Part.WEIGHTED_VALUES, scores * 2L * headDim, out.bytes());
    return out;
  }

  /** Pairs of a query and a key that it sees. */
  private static long seen(AttentionMask mask, int past, int queries) {
    int keys = past + queries;
    long seen = 0;
    for (int position = past; position < keys; position++) {
      seen += mask.end(position, keys) - mask.first(position);
    }
    return seen;
  }

  @Override
  public Shape rope(Shape x, Rope rope, int headDim, int[] positions, int[] reach) {
    // Two products and a sum for each number that is turned.
    count(Part.PROJECTIONS, 3 * x.size() / headDim * rope.dims(), x.bytes());
    return x;
  }

  @Override
  public Shape add(Shape a, Shape b) {
    count(Part.RESIDUALS, a.size(), a.bytes());
    return a;
  }

  @Override
  public Shape scale(Shape x, float factor) {
    count(Part.EMBEDDINGS, x.size(), 0);
    return x;
  }

  @Override
  public Shape softCap(Shape x, float cap) {
    count(Part.HEAD, x.size() * SOFT_CAP, x.bytes());
    return x;
  }

  @Override
  public Shape gate(Shape gate, Shape up, Activation activation) {
    count(Part.FEED_FORWARD, gate.size() * (1 + operations(activation)), gate.bytes());
    return gate;
  }

  /** Tokens go to experts in turn, so that all have about as many. */
  @Override
  public List<Route<Shape>> route(Shape logits, FeedForward.Experts experts) {
    count(Part.FEED_FORWARD, logits.size() * SOFTMAX, logits.bytes());
    int tokens = Math.toIntExact(logits.rows());
    int count = experts.experts().size();
    List<Route<Shape>> routes = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      int expert = e;
      int[] mine =
          IntStream.range(0, tokens)
              .filter(
                  t ->
                      Math.floorMod(expert - (long) t * experts.chosen(), (long) count)
                          < experts.chosen())
              .toArray();
      if (mine.length > 0) {
        routes.add(new Route<>(e, mine, new Shape(mine.length, 1)));
      }
    }
    return routes;
  }

  @Override
  public Shape gather(Shape x, Route<Shape> route) {
    Shape out = new Shape(route.tokens().length, x.cols());
    count(Part.FEED_FORWARD, 0, out.bytes());
    return out;
  }

  @Override
  public Shape combine(int tokens, List<Route<Shape>> routes, List<Shape> parts) {
    Shape out = new Shape(tokens, parts.getFirst().cols());
    long summed = parts.stream().mapToLong(Shape::size).sum();
    count(Part.FEED_FORWARD, 2 * summed, out.bytes());
    return out;
  }

  @Override
  public Shape norm(Shape x, Shape residual, Norm norm) {
    int added = residual == null ? 0 : 1;
    switch (norm) {
      case Norm.LayerNorm layer -> {
        count(Part.NORMS, x.size() * (LAYER_NORM + added), x.bytes());
        weigh(Part.NORMS, layer.weight());
        weigh(Part.NORMS, layer.bias());
      }
      case Norm.RmsNorm rms -> {
        count(Part.NORMS, x.size() * (RMS_NORM + added), x.bytes());
        weigh(Part.NORMS, rms.weight());
      }
    }
    return x;
  }

  @Override
  public Shape pool(Shape x, Pooling pooling, Batch batch) {
    Shape out = new Shape(batch.sequences(), x.cols());
    long operations =
        switch (pooling) {
          case CLS, LAST_TOKEN -> 0;
          case MAX -> x.size();
          case MEAN, MEAN_SQRT_LEN -> x.size() + out.size();
          case WEIGHTED_MEAN -> 2 * x.size() + out.size();
        };
    count(Part.HEAD, operations, out.bytes());
    return out;
  }

  @Override
  public Shape rows(Shape x, int[] rows) {
    Shape out = new Shape(rows.length, x.cols());
    count(Part.HEAD, 0, out.bytes());
    return out;
  }

  @Override
  public Shape concat(List<Shape> parts) {
    Shape out = new Shape(parts.getFirst().rows(), parts.stream().mapToLong(Shape::cols).sum());
    count(Part.HEAD, 0, out.bytes());
    return out;
  }

  @Override
  public Shape normalize(Shape x) {
    count(Part.HEAD, NORMALIZE * x.size(), x.bytes());
    return x;
  }

  @Override
  public Shape columns(Shape x, int count) {
    Shape out = new Shape(x.rows(), count);
    count(Part.HEAD, 0, out.bytes());
    return out;
  }

  @Override
  public Shape columns(Shape x, int group, int from, int count) {
    return new Shape(x.rows(), x.cols() / group * count); // a view of what was counted
  }

  @Override
  public Shape scope(Supplier<Shape> part) {
    return part.get();
  }

  private void count(Part part, long operations, long activationBytes) {
    Counter counter = counters.computeIfAbsent(part, _ -> new Counter());
    counter.operations = Math.addExact(counter.operations, operations);
    counter.activationBytes = Math.addExact(counter.activationBytes, activationBytes);
  }

  private void weigh(Part part, Weight weight) {
    if (weight != null) {
      counters.computeIfAbsent(part, _ -> new Counter()).weightBytes += weight.tensor().sizeBytes();
    }
  }

  private static int operations(Activation activation) {
    return switch (activation) {
      case NONE -> 0;
      case RELU, TANH -> 1;
      case SILU -> 4; // x / (1 + exp(-x))
      case GELU -> 5; // x / 2 * (1 + erf(x / sqrt(2)))
      case GELU_TANH -> 9; // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
    };
  }
}
