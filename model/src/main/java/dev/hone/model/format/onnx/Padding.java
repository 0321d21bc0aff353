package dev.hone.model.format.onnx;

import static dev.hone.model.format.onnx.GraphWriter.Attribute.integer;

import dev.hone.model.format.onnx.GraphWriter.Attribute;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Pooling;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Where tokens stand in a batch that is padded on the right, as ONNX Runtime is fed: what Hone's
 * packed batches say by their offsets, said by {@code attention_mask}. Nodes are added when first
 * asked for.
 */
final class Padding {
  static final String IDS = "input_ids";
  static final String MASK = "attention_mask";

  /** Added to scores, makes them vanish in a softmax; not infinite, which would make NaN of it. */
  private static final float NEVER = -Float.MAX_VALUE;

  private final GraphWriter graph;
  private final Map<Object, String> known = new HashMap<>();

  Padding(GraphWriter graph) {
    this.graph = graph;
  }

  /** What a thing made of positions is called, made once. */
  String once(Object thing, Supplier<String> made) {
    String name = known.get(thing);
    if (name == null) {
      name = made.get();
      known.put(thing, name);
    }
    return name;
  }

  /** 0, 1, ...: [sequence]. */
  String positions() {
    return once(
        "positions",
        () -> {
          String shape = graph.node("Shape", List.of(IDS));
          String length = graph.node("Gather", List.of(shape, graph.integer(1)));
          return graph.node("Range", List.of(graph.integer(0), length, graph.integer(1)));
        });
  }

  /** How far behind its query a key stands: [query, key]. */
  String distances() {
    return once(
        "distances",
        () -> {
          String keys = graph.node("Unsqueeze", List.of(positions(), graph.integers(0)));
          String queries = graph.node("Unsqueeze", List.of(positions(), graph.integers(1)));
          return graph.node("Sub", List.of(keys, queries));
        });
  }

  /** What is added to the scores of keys that a query does not see: [batch, 1, query or 1, key]. */
  String scoreBias(AttentionMask mask) {
    return once(
        mask,
        () -> {
          String tokens = graph.node("Cast", List.of(MASK), type(Plain.BOOL));
          String seen = graph.node("Unsqueeze", List.of(tokens, graph.integers(1, 2)));
          if (mask.after() != Integer.MAX_VALUE) {
            seen = and(seen, "LessOrEqual", mask.after());
          }
          if (mask.before() != Integer.MAX_VALUE) {
            seen = and(seen, "GreaterOrEqual", -mask.before());
          }
          return graph.node("Where", List.of(seen, graph.constant(0), graph.constant(NEVER)));
        });
  }

  private String and(String seen, String comparison, long distance) {
    String near = graph.node(comparison, List.of(distances(), graph.integer(distance)));
    return graph.node("And", List.of(seen, near));
  }

  /** One vector a sequence. */
  Edge pool(Edge x, Pooling pooling) {
    return new Edge(
        switch (pooling) {
          case CLS -> graph.node("Gather", List.of(x.name(), graph.integer(0)), integer("axis", 1));
          case MEAN -> graph.node("Div", List.of(sum(x.name(), tokens()), sum(tokens())));
          case MEAN_SQRT_LEN -> {
            String root = graph.node("Sqrt", List.of(sum(tokens())));
            yield graph.node("Div", List.of(sum(x.name(), tokens()), root));
          }
          case WEIGHTED_MEAN -> {
            String places = graph.node("Mul", List.of(tokens(), places()));
            yield graph.node("Div", List.of(sum(x.name(), places), sum(places)));
          }
          case LAST_TOKEN -> {
            String last = graph.node("Equal", List.of(places(), sum(tokens(), true)));
            yield sum(x.name(), graph.node("Cast", List.of(last), type(Plain.F32)));
          }
          case MAX -> {
            String token = graph.node("Cast", List.of(tokens()), type(Plain.BOOL));
            String kept = graph.node("Where", List.of(token, x.name(), graph.constant(NEVER)));
            yield graph.node("ReduceMax", List.of(kept, graph.integers(1)), integer("keepdims", 0));
          }
        },
        x.cols());
  }

  /** 1 for every token, 0 for padding: [batch, sequence, 1]. */
  private String tokens() {
    return once(
        "tokens",
        () -> {
          String mask = graph.node("Cast", List.of(MASK), type(Plain.F32));
          return graph.node("Unsqueeze", List.of(mask, graph.integers(-1)));
        });
  }

  /** 1, 2, ...: [sequence, 1]. */
  private String places() {
    return once(
        "places",
        () -> {
          String positions = graph.node("Cast", List.of(positions()), type(Plain.F32));
          String places = graph.node("Add", List.of(positions, graph.constant(1)));
          return graph.node("Unsqueeze", List.of(places, graph.integers(-1)));
        });
  }

  private String sum(String x, String weights) {
    return sum(graph.node("Mul", List.of(x, weights)));
  }

  private String sum(String x) {
    return sum(x, false);
  }

  private String sum(String x, boolean keepDims) {
    return graph.node(
        "ReduceSum", List.of(x, graph.integers(1)), integer("keepdims", keepDims ? 1 : 0));
  }

  static Attribute type(Plain type) {
    return integer("to", GraphWriter.number(type));
  }
}
