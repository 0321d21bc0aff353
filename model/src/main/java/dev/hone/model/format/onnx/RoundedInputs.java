package dev.hone.model.format.onnx;

import static dev.hone.model.format.onnx.GraphWriter.Attribute.integer;
import static dev.hone.model.format.onnx.GraphWriter.Attribute.mark;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.onnx.GraphWriter.Attribute;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What products read in place of their inputs, as {@link Input} defines it. One grid a layer is
 * QuantizeLinear and DequantizeLinear, with a Mul before them where columns have factors; a grid
 * for every token, which ONNX has no operator for, is spelled out. The product itself is marked
 * with what it reads.
 */
final class RoundedInputs {
  private static final String INPUT = "hone.input";

  /** Less is nothing: a row of zeros has steps too. */
  private static final float LEAST_RANGE = 1e-30f;

  private final GraphWriter graph;
  private final Map<List<Object>, Steps> steps = new HashMap<>();
  private final Map<List<Object>, String> floats = new HashMap<>();
  private final Map<ColumnFactors, String> names = new HashMap<>();

  RoundedInputs(GraphWriter graph) {
    this.graph = graph;
  }

  /**
   * An input in steps of a grid a token.
   *
   * @param integers U8, counted from the grid's least number
   * @param zero F32 [batch, sequence, 1]: steps from there to 0
   * @param scale of a step, likewise
   */
  record Steps(String integers, String zero, String scale) {}

  /** Says to Hone how a product reads its input. */
  Attribute[] marks(Input input) {
    return switch (input) {
      case StaticInt8 grid -> {
        String factors = grid.factors().none() ? "" : " " + factors(grid.factors());
        yield new Attribute[] {
          mark(INPUT, grid.label() + " " + grid.scale() + " " + grid.zero() + factors)
        };
      }
      case Input.Kind kind when kind == Input.FLOAT -> new Attribute[0];
      case Input.Kind kind -> new Attribute[] {mark(INPUT, kind.label())};
    };
  }

  /** How a product reads its input; without the factors of its columns, which stand in a tensor. */
  static Input of(String file, NodeProto node) {
    String mark = node.marks().get(INPUT);
    if (mark == null) {
      return Input.FLOAT;
    }
    try {
      String[] words = mark.split(" ", -1);
      boolean grid = words.length == 3 || words.length == 4;
      return grid && words[0].equals(StaticInt8.LABEL)
          ? new StaticInt8(Float.parseFloat(words[1]), Integer.parseInt(words[2]))
          : Input.of(mark);
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          "%s: node %s: %s=%s: %s".formatted(file, node, INPUT, mark, e.getMessage()), e);
    }
  }

  /** The tensor of factors that a product's columns have; empty where they have none. */
  static Optional<String> factorsOf(NodeProto node) {
    String[] words = node.marks().getOrDefault(INPUT, "").split(" ", -1);
    return words.length == 4 ? Optional.of(words[3]) : Optional.empty();
  }

  /** The name is no parameter's: it has a slash. */
  private String factors(ColumnFactors factors) {
    float[] all = factors.toArray();
    String name = names.computeIfAbsent(factors, _ -> "factors/" + names.size());
    return graph.initializer(
        name,
        Plain.F32,
        new long[] {all.length},
        arena -> Tensor.copyOf(arena, all, all.length).data());
  }

  /** The numbers that a product reads. */
  String floats(String x, Input input) {
    return switch (input) {
      case StaticInt8 grid -> floats.computeIfAbsent(List.of(x, grid), _ -> dequantized(x, grid));
      case Input.Kind kind ->
          switch (kind) {
            case FLOAT -> x;
            case DYNAMIC_INT8, DYNAMIC_INT8_SYMMETRIC ->
                floats.computeIfAbsent(List.of(x, kind), _ -> dequantized(steps(x, kind)));
            case BLOCK_INT8, BF16 ->
                throw new FormatException(
                    "ONNX is written of inputs rounded by layer or by token, not of "
                        + kind.label()
                        + ": leave that out, or quantize the model with --activations static or"
                        + " dynamic");
          };
    };
  }

  private String dequantized(String x, StaticInt8 grid) {
    String scale = graph.constant(grid.scale());
    String zero = graph.octet(grid.zero());
    Attribute[] marks = marks(grid);
    String read = grid.factors().none() ? x : node("Mul", x, factors(grid.factors()));
    String integers = graph.node("QuantizeLinear", List.of(read, scale, zero), marks);
    return graph.node("DequantizeLinear", List.of(integers, scale, zero), marks);
  }

  private String dequantized(Steps steps) {
    String counted = node("Sub", cast(steps.integers(), Plain.F32), steps.zero());
    return node("Mul", counted, steps.scale());
  }

  /** An input in steps of a grid a token. */
  Steps steps(String x, Input.Kind kind) {
    return steps.computeIfAbsent(List.of(x, kind), _ -> round(x, kind == Input.DYNAMIC_INT8));
  }

  private Steps round(String x, boolean asymmetric) {
    String least = node("Min", node("ReduceMin", x, graph.integers(-1)), graph.constant(0));
    String most = node("Max", node("ReduceMax", x, graph.integers(-1)), graph.constant(0));
    String below = node("Neg", least);
    String range =
        asymmetric
            ? node("Add", most, below)
            : node("Mul", node("Max", most, below), graph.constant(2));
    String inverse =
        node("Div", graph.constant(Input.STEPS), node("Max", range, graph.constant(LEAST_RANGE)));
    String zero = asymmetric ? node("Round", node("Mul", below, inverse)) : graph.constant(128);
    String counted = node("Add", node("Round", node("Mul", x, inverse)), zero);
    String held = node("Clip", counted, graph.constant(0), graph.constant(Input.STEPS));
    return new Steps(cast(held, Plain.U8), zero, node("Div", range, graph.constant(Input.STEPS)));
  }

  private String cast(String x, Plain type) {
    return graph.node("Cast", List.of(x), integer("to", GraphWriter.number(type)));
  }

  private String node(String op, String... inputs) {
    return graph.node(op, List.of(inputs));
  }
}
