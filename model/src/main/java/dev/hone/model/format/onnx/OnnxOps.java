package dev.hone.model.format.onnx;

import static dev.hone.model.format.onnx.GraphWriter.Attribute.integer;
import static dev.hone.model.format.onnx.GraphWriter.Attribute.integers;
import static dev.hone.model.format.onnx.GraphWriter.Attribute.number;

import dev.hone.model.Attention;
import dev.hone.model.Batch;
import dev.hone.model.Embedding;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Ops;
import dev.hone.model.Position;
import dev.hone.model.Rope;
import dev.hone.model.Route;
import dev.hone.model.Weight;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Writes a model down as nodes of an ONNX graph. The batch that it is run on only stands for those
 * that the graph will be given: tokens, their positions and segments are the graph's inputs.
 */
final class OnnxOps implements Ops<Edge> {
  static final String TYPES = "token_type_ids";

  private final GraphWriter graph;
  private final Padding padding;
  private final StoredWeights weights;
  private final Embeddings embeddings;

  OnnxOps(GraphWriter graph, Embeddings embeddings) {
    this.graph = graph;
    this.padding = new Padding(graph);
    this.weights = new StoredWeights(graph);
    this.embeddings = embeddings;
  }

  @Override
  public Edge embed(Embedding table, int[] rows, Edge sum) {
    String looked = weights.lookUp(table, indices(table));
    return new Edge(sum == null ? looked : node("Add", sum.name(), looked), table.dim());
  }

  /** Which rows of a table are wanted: [batch or 1, sequence or 1]. */
  private String indices(Embedding table) {
    if (same(table, embeddings.word())) {
      return Padding.IDS;
    }
    if (embeddings.position().filter(p -> same(p, table)).isPresent()) {
      int first = embeddings.firstPosition();
      String positions = node("Unsqueeze", padding.positions(), graph.integers(0));
      return first == 0 ? positions : node("Add", positions, graph.integer(first));
    }
    // A table of one row says the same of every token.
    return table.entries() > 1 ? TYPES : graph.integers("types/0", new long[] {1, 1}, 0);
  }

  private static boolean same(Embedding a, Embedding b) {
    return a.weight().name().equals(b.weight().name());
  }

  @Override
  public Edge linear(Edge x, Linear layer, Activation activation) {
    String product = weights.product(x.name(), layer);
    if (layer.bias() != null) {
      product =
          graph.node(
              "Add", "/" + layer.name() + "/Add", List.of(product, weights.floats(layer.bias())));
    }
    return new Edge(activated(product, activation), layer.out());
  }

  @Override
  public Edge attention(
      Edge query,
      Edge key,
      Edge value,
      Attention attention,
      int layer,
      Batch batch,
      KeyValueCache cache) {
    AttentionShape shape = attention.shape();
    String queries = transposed(heads(query.name(), shape.headDim()), 0, 2, 1, 3);
    String keys = transposed(keyHeads(key.name(), shape), 0, 2, 3, 1);
    String values = transposed(keyHeads(value.name(), shape), 0, 2, 1, 3);
    String scores = node("Mul", node("MatMul", queries, keys), graph.constant(shape.scale()));
    if (shape.softCap() > 0) {
      scores = capped(scores, shape.softCap());
    }
    switch (attention.position()) {
      case Position.Unknown _, Rope _ -> {}
      case Position.Buckets buckets -> scores = node("Add", scores, distanceBias(buckets));
    }
    String masked =
        switch (attention.keys()) {
          case OWN_SEQUENCE -> node("Add", scores, padding.scoreBias(attention.mask()));
        };
    String shares = graph.node("Softmax", List.of(masked), integer("axis", -1));
    String mixed = transposed(node("MatMul", shares, values), 0, 2, 1, 3);
    return new Edge(flat(mixed), query.cols());
  }

  /** [batch, sequence, head, headDim]. */
  private String heads(String x, int headDim) {
    return node("Reshape", x, graph.integers(0, 0, -1, headDim));
  }

  /** The same of keys or values, each head as often as queries share it. */
  private String keyHeads(String x, AttentionShape shape) {
    int sharing = shape.heads() / shape.kvHeads();
    if (sharing == 1) {
      return heads(x, shape.headDim());
    }
    String alone = node("Reshape", x, graph.integers(0, 0, -1, 1, shape.headDim()));
    return heads(flat(node("Expand", alone, graph.integers(1, 1, 1, sharing, 1))), shape.headDim());
  }

  private String flat(String x) {
    return node("Reshape", x, graph.integers(0, 0, -1));
  }

  private String transposed(String x, long... order) {
    return graph.node("Transpose", List.of(x), integers("perm", order));
  }

  /** What distances add to scores: [1, head, query, key]. */
  private String distanceBias(Position.Buckets buckets) {
    return padding.once(
        buckets.weight(),
        () -> {
          int furthest = buckets.furthest();
          long[] bucketOf =
              IntStream.rangeClosed(-furthest, furthest).mapToLong(buckets::of).toArray();
          String clipped =
              graph.node(
                  "Clip",
                  List.of(padding.distances(), graph.integer(-furthest), graph.integer(furthest)));
          String places = node("Add", clipped, graph.integer(furthest));
          String table =
              graph.integers(
                  buckets.weight().name() + "/buckets", new long[] {bucketOf.length}, bucketOf);
          String bias =
              node("Gather", weights.floats(buckets.weight()), node("Gather", table, places));
          return node("Unsqueeze", transposed(bias, 2, 0, 1), graph.integers(0));
        });
  }

  @Override
  public Edge rope(Edge x, Rope rope, int headDim, int[] positions, int[] reach) {
    String heads = heads(x.name(), headDim);
    int half = rope.dims() / 2;
    String a = slice(heads, 0, half);
    String b = slice(heads, half, rope.dims());
    String cos = padding.once(List.of(rope, "Cos"), () -> turns(rope, "Cos"));
    String sin = padding.once(List.of(rope, "Sin"), () -> turns(rope, "Sin"));
    List<String> parts =
        Stream.of(
                node("Sub", node("Mul", a, cos), node("Mul", b, sin)),
                node("Add", node("Mul", b, cos), node("Mul", a, sin)),
                headDim > rope.dims() ? slice(heads, rope.dims(), headDim) : "")
            .filter(part -> !part.isEmpty())
            .toList();
    return new Edge(flat(graph.node("Concat", parts, integer("axis", -1))), x.cols());
  }

  /** [sequence, 1, dims / 2]. */
  private String turns(Rope rope, String function) {
    String angles =
        padding.once(
            rope,
            () -> {
              float[] frequencies = floats(fixed(rope).frequencies());
              String each =
                  graph.initializer(
                      "frequencies/" + rope,
                      Plain.F32,
                      new long[] {frequencies.length},
                      arena -> Tensor.copyOf(arena, frequencies, frequencies.length).data());
              String positions =
                  graph.node("Cast", List.of(padding.positions()), Padding.type(Plain.F32));
              return node("Mul", node("Unsqueeze", positions, graph.integers(1, 2)), each);
            });
    String turns = node(function, angles);
    float amplitude = (float) rope.amplitude();
    return amplitude == 1 ? turns : node("Mul", turns, graph.constant(amplitude));
  }

  private static Rope fixed(Rope rope) {
    if (!rope.of(1).equals(rope)) {
      throw new FormatException(
          "ONNX is written with angles that do not depend on a text's length, unlike "
              + rope.scaling());
    }
    return rope;
  }

  private static float[] floats(double[] numbers) {
    float[] floats = new float[numbers.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) numbers[i];
    }
    return floats;
  }

  @Override
  public Edge norm(Edge x, Edge residual, Norm norm) {
    String sum = residual == null ? x.name() : node("Add", x.name(), residual.name());
    Weight weight =
        switch (norm) {
          case Norm.LayerNorm layer -> layer.weight();
          case Norm.RmsNorm rms -> rms.weight();
        };
    long length = weight.tensor().cols();
    boolean pieces = x.cols() != length;
    String rows = pieces ? heads(sum, Math.toIntExact(length)) : sum;
    String normed =
        switch (norm) {
          case Norm.LayerNorm layer ->
              graph.node(
                  "LayerNormalization",
                  layer.bias() == null
                      ? List.of(rows, weights.floats(weight))
                      : List.of(rows, weights.floats(weight), weights.floats(layer.bias())),
                  integer("axis", -1),
                  number("epsilon", layer.epsilon()));
          case Norm.RmsNorm rms -> {
            String mean = node("ReduceMean", node("Mul", rows, rows), graph.integers(-1));
            String root = node("Sqrt", node("Add", mean, graph.constant(rms.epsilon())));
            String scale = weights.floats(weight);
            yield node(
                "Mul",
                node("Div", rows, root),
                rms.shift() == 0 ? scale : node("Add", scale, graph.constant(rms.shift())));
          }
        };
    return new Edge(pieces ? flat(normed) : normed, x.cols());
  }

  @Override
  public Edge add(Edge a, Edge b) {
    return new Edge(node("Add", a.name(), b.name()), a.cols());
  }

  @Override
  public Edge scale(Edge x, float factor) {
    return new Edge(node("Mul", x.name(), graph.constant(factor)), x.cols());
  }

  @Override
  public Edge softCap(Edge x, float cap) {
    return new Edge(capped(x.name(), cap), x.cols());
  }

  private String capped(String x, float cap) {
    return node("Mul", node("Tanh", node("Div", x, graph.constant(cap))), graph.constant(cap));
  }

  @Override
  public Edge gate(Edge gate, Edge up, Activation activation) {
    return new Edge(node("Mul", activated(gate.name(), activation), up.name()), gate.cols());
  }

  private String activated(String x, Activation activation) {
    return switch (activation) {
      case NONE -> x;
      case RELU -> node("Relu", x);
      case TANH -> node("Tanh", x);
      case SILU -> node("Mul", x, node("Sigmoid", x));
      case GELU -> {
        // In the order in which ONNX Runtime knows it as one operation.
        String erf = node("Erf", node("Div", x, graph.constant((float) Math.sqrt(2))));
        String product = node("Mul", x, node("Add", erf, graph.constant(1)));
        yield node("Mul", product, graph.constant(0.5f));
      }
      case GELU_TANH -> {
        String cube = node("Mul", node("Mul", x, x), x);
        String inner = node("Add", x, node("Mul", cube, graph.constant(0.044715f)));
        float factor = (float) Math.sqrt(2 / Math.PI);
        String tanh = node("Tanh", node("Mul", inner, graph.constant(factor)));
        String product = node("Mul", x, node("Add", tanh, graph.constant(1)));
        yield node("Mul", product, graph.constant(0.5f));
      }
    };
  }

  @Override
  public List<Route<Edge>> route(Edge logits, FeedForward.Experts experts) {
    throw noEncoder("experts");
  }

  @Override
  public Edge gather(Edge x, Route<Edge> route) {
    throw noEncoder("experts");
  }

  @Override
  public Edge combine(int tokens, List<Route<Edge>> routes, List<Edge> parts) {
    throw noEncoder("experts");
  }

  @Override
  public Edge rows(Edge x, int[] rows) {
    throw noEncoder("rows chosen beforehand");
  }

  private static FormatException noEncoder(String what) {
    return new FormatException("ONNX is written of encoders, which have no " + what);
  }

  @Override
  public Edge pool(Edge x, Pooling pooling, Batch batch) {
    return padding.pool(x, pooling);
  }

  @Override
  public Edge concat(List<Edge> parts) {
    return new Edge(
        graph.node("Concat", parts.stream().map(Edge::name).toList(), integer("axis", -1)),
        parts.stream().mapToLong(Edge::cols).sum());
  }

  @Override
  public Edge normalize(Edge x) {
    String length = node("ReduceL2", x.name(), graph.integers(-1));
    String divisor = node("Max", length, graph.constant(1e-12f));
    return new Edge(node("Div", x.name(), divisor), x.cols());
  }

  @Override
  public Edge columns(Edge x, int count) {
    return new Edge(slice(x.name(), 0, count), count);
  }

  @Override
  public Edge columns(Edge x, int group, int from, int count) {
    if (group == x.cols()) {
      return new Edge(slice(x.name(), from, from + count), count);
    }
    String piece = slice(heads(x.name(), group), from, from + count);
    return new Edge(flat(piece), x.cols() / group * count);
  }

  private String slice(String x, long from, long to) {
    return node("Slice", x, graph.integers(from), graph.integers(to), graph.integers(-1));
  }

  private String node(String op, String... inputs) {
    return graph.node(op, List.of(inputs));
  }

  @Override
  public Edge scope(Supplier<Edge> part) {
    return part.get();
  }
}
