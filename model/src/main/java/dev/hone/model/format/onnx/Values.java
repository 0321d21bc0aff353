package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.Input;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What of a graph's values is known before it runs: initializers, constants, and what stands for
 * them after Identity, Cast and Transpose. Of a value by the empty name, which leaves out an
 * optional input, nothing is known.
 */
final class Values {
  private final String file;
  private final Map<String, TensorProto> tensors;
  private final Map<String, Value> known = new HashMap<>();
  private final Map<String, List<NodeProto>> consumers = new HashMap<>();
  private final Map<String, Integer> uses = new HashMap<>();

  /**
   * A stored tensor.
   *
   * @param transposed whether it must be transposed to be the one that is meant
   * @param grids what its integers stand for; null of plain numbers
   * @param input how the product that it is the weight of reads its input
   * @param factors that the input's columns are multiplied with; null where they are not
   */
  record Stored(
      TensorProto tensor, boolean transposed, Grids grids, Input input, TensorProto factors) {}

  /**
   * A known value.
   *
   * @param value its name in the graph
   * @param parameter its name in PyTorch, null where lost
   * @param transposed whether it is the transpose of the tensor
   * @param grids what its integers stand for; null of plain numbers
   */
  record Value(
      String value, String parameter, TensorProto tensor, boolean transposed, Grids grids) {

    /** The value, or its transpose. */
    Stored stored(boolean flipped, Input input, TensorProto factors) {
      return new Stored(tensor, transposed ^ flipped, grids, input, factors);
    }

    /** A dimension of the value, which is a matrix. */
    long dim(int axis) {
      return tensor.dim(transposed ? 1 - axis : axis);
    }
  }

  Values(String file, GraphProto graph) {
    this.file = file;
    tensors = graph.tensors();
    tensors.forEach((name, tensor) -> put(name, null, tensor, false));
    for (NodeProto node : graph.nodes()) {
      Value in = known.get(node.input(0));
      if (node.op().equals("DequantizeLinear") && Grids.marked(node)) {
        Value integers = integers(node, 0);
        known.putIfAbsent(node.output(), integers);
        continue;
      }
      if (in != null && alias(node, in)) {
        boolean transposed = in.transposed() ^ node.op().equals("Transpose");
        put(node.output(), in.parameter(), in.tensor(), transposed);
      } else {
        node.inputs().forEach(input -> use(input, node));
      }
    }
  }

  Iterable<Value> all() {
    return known.values();
  }

  /**
   * What could be a linear layer's weight or a table of embeddings; null if it is none.
   *
   * @param place of the node's input
   */
  Value matrix(NodeProto node, int place) {
    return Grids.marked(node) ? integers(node, place) : weight(2, node.input(place));
  }

  /** The integers that a node takes, which Hone has marked. */
  private Value integers(NodeProto node, int place) {
    String name = node.input(place);
    Grids grids = Grids.of(file, node, name, tensors);
    return new Value(name, null, tensors.get(name), false, grids);
  }

  /**
   * The factors that the columns of a product's input are multiplied with; null: there are none.
   */
  TensorProto factors(NodeProto node) {
    return RoundedInputs.factorsOf(node)
        .map(
            name -> {
              TensorProto factors = tensors.get(name);
              if (factors == null) {
                throw new FormatException(
                    "%s: node %s: there is no tensor %s, the factors of its input's columns"
                        .formatted(file, node, name));
              }
              return factors;
            })
        .orElse(null);
  }

  /** A value that could be a bias, or the weight of a norm; null if it is none. */
  Value vector(String name) {
    Value value = weight(1, name);
    return value == null || value.tensor().dim(0) < 2 ? null : value;
  }

  /** The vector among the inputs of an operation that takes them in either order. */
  Value vector(NodeProto node) {
    Value second = vector(node.input(1));
    return second != null ? second : vector(node.input(0));
  }

  /** The bias that a node adds; the last three operations are ONNX Runtime's. */
  Value bias(NodeProto node) {
    return switch (node.op()) {
      case "Add" -> vector(node);
      case "Gemm" -> vector(node.input(2));
      case "BiasGelu", "FastGelu" -> vector(node.input(1));
      case "SkipLayerNormalization" -> vector(node.input(4));
      default -> null;
    };
  }

  /** The bias of that length that is added to what a node gives; null where none is. */
  Value biasAfter(NodeProto node, long length) {
    for (NodeProto next : consumers.getOrDefault(node.output(), List.of())) {
      Value bias = bias(next);
      if (bias != null && bias.tensor().dim(0) == length) {
        return bias;
      }
    }
    return null;
  }

  /**
   * Whether several nodes use a parameter, so that its name does not tell which of them one sees.
   */
  boolean shared(Value value) {
    return uses.getOrDefault(value.parameter(), 0) > 1;
  }

  private Value weight(int rank, String name) {
    Value value = known.get(name);
    boolean fits =
        value != null
            && (value.grids() != null || value.tensor().floating())
            && value.tensor().rank() == rank;
    return fits ? value : null;
  }

  private void put(String name, String parameter, TensorProto tensor, boolean transposed) {
    if (!name.isEmpty()) {
      String own = isParameter(name) ? name : parameter;
      known.putIfAbsent(name, new Value(name, own, tensor, transposed, null));
    }
  }

  private void use(String input, NodeProto node) {
    consumers.computeIfAbsent(input, i -> new ArrayList<>()).add(node);
    Value value = known.get(input);
    if (value != null && value.parameter() != null) {
      uses.merge(value.parameter(), 1, Integer::sum);
    }
  }

  private static boolean alias(NodeProto node, Value in) {
    return switch (node.op()) {
      case "Identity" -> true;
      case "Cast" ->
          in.tensor().floating()
              && TensorProto.plain(node.integer("to", 0)).filter(TensorProto::floating).isPresent();
      case "Transpose" -> {
        NodeProto.Attribute perm = node.attributes().get("perm");
        yield in.tensor().rank() == 2 && (perm == null || perm.integers().equals(List.of(1L, 0L)));
      }
      default -> false;
    };
  }

  /**
   * PyTorch's parameters have dots; values that an exporter invents have none, or its own marks.
   */
  private static boolean isParameter(String name) {
    return name.indexOf('.') > 0 && name.indexOf('/') < 0 && !name.contains("::");
  }
}
