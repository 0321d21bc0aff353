package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The names that an exported model's weights had in PyTorch, found again where exporting lost them.
 *
 * <p>Exporters fold the transposition of a linear layer's weight into a new initializer, {@code
 * onnx::MatMul_787} or {@code val_62}, but let the bias keep its name:
 *
 * <pre>
 *   x [token, in] ---- MatMul ------------- Add ---- y [token, out]
 *                        |                   |
 *     onnx::MatMul_787 [in, out]   encoder.layer.0.output.dense.bias [out]
 *
 *     is encoder.layer.0.output.dense.weight [out, in], transposed
 * </pre>
 *
 * So a weight is named after the bias that is added to its product, and a bias after its weight;
 * where neither has a name, or several layers share the one that has, after the module that the
 * node was exported from. A weight that stays nameless is an error: a model without it would be
 * another one.
 */
final class WeightNames {
  /** Operations on quantized weights; ONNX's own, then ONNX Runtime's. */
  private static final Set<String> QUANTIZED =
      Set.of(
          "DequantizeLinear",
          "QuantizeLinear",
          "DynamicQuantizeLinear",
          "MatMulInteger",
          "QLinearMatMul",
          "ConvInteger",
          "MatMulNBits",
          "MatMulBnb4",
          "MatMulIntegerToFloat",
          "DynamicQuantizeMatMul",
          "DynamicQuantizeLSTM",
          "QGemm",
          "QAttention",
          "QOrderedMatMul",
          "QEmbedLayerNormalization",
          "GatherBlockQuantized",
          "MatMulFpQ4");

  private static final List<List<String>> SIBLINGS =
      List.of(
          List.of("weight", "bias"),
          List.of("bias", "weight"),
          List.of("gamma", "beta"),
          List.of("beta", "gamma"));

  private final String file;
  private final GraphProto graph;
  private final Map<String, Source> sources = new HashMap<>();
  private final Map<String, List<NodeProto>> consumers = new HashMap<>();
  private final Map<String, Integer> uses = new HashMap<>();
  private final Set<Source> placed = new HashSet<>();
  private final SortedMap<String, Stored> names = new TreeMap<>();

  /** A stored tensor, and whether it must be transposed to be the one of that name. */
  record Stored(TensorProto tensor, boolean transposed) {}

  /**
   * What a value of the graph is made of.
   *
   * @param name of the parameter, null where lost
   * @param transposed whether the value is the tensor's transpose
   */
  private record Source(String value, String name, TensorProto tensor, boolean transposed) {
    Stored as(boolean flipped) {
      return new Stored(tensor, transposed ^ flipped);
    }
  }

  private WeightNames(String file, GraphProto graph) {
    this.file = file;
    this.graph = graph;
  }

  /** Every named tensor of a graph, under its name in Hugging Face's checkpoints. */
  static SortedMap<String, Stored> trace(String file, GraphProto graph) {
    WeightNames names = new WeightNames(file, graph);
    graph.nodes().forEach(names::refuse);
    names.follow();
    names.sources.values().forEach(names::keep);
    graph.nodes().forEach(names::place);
    graph.nodes().forEach(names::complain);
    return withoutWrapper(names.names);
  }

  private void refuse(NodeProto node) {
    if (QUANTIZED.contains(node.op())) {
      throw new FormatException(
          file
              + ": node "
              + node
              + ": the model is quantized; open its float export, mostly model.onnx"
              + " beside it, and let Hone quantize that");
    }
    if (node.op().equals("Attention") && node.domain().equals("com.microsoft")) {
      throw new FormatException(
          file
              + ": node "
              + node
              + ": an optimizer has fused query, key and value into one weight; open"
              + " the export as it was before optimization");
    }
  }

  /** Fills in what is known of values before the graph runs, and who uses them. */
  private void follow() {
    graph
        .tensors()
        .forEach(
            (name, tensor) ->
                sources.put(name, new Source(name, parameter(name) ? name : null, tensor, false)));
    for (NodeProto node : graph.nodes()) {
      Source in = sources.get(node.input(0));
      if (in != null && alias(node, in)) {
        String out = node.output();
        boolean transposes = node.op().equals("Transpose");
        sources.putIfAbsent(
            out,
            new Source(
                out, parameter(out) ? out : in.name(), in.tensor(), in.transposed() ^ transposes));
        continue;
      }
      for (String input : node.inputs()) {
        consumers.computeIfAbsent(input, i -> new ArrayList<>()).add(node);
        Source source = sources.get(input);
        if (source != null && source.name() != null) {
          uses.merge(source.name(), 1, Integer::sum);
        }
      }
    }
  }

  private static boolean alias(NodeProto node, Source in) {
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
  private static boolean parameter(String name) {
    return name.indexOf('.') > 0 && name.indexOf('/') < 0 && !name.contains("::");
  }

  private void keep(Source source) {
    if (source.value().equals(source.name())) {
      names.put(source.name(), source.as(false));
    }
  }

  private void place(NodeProto node) {
    switch (node.op()) {
      case "MatMul" -> {
        Source weight = matrix(node.input(1));
        if (weight != null) {
          pair(
              node,
              weight,
              true,
              biasAfter(node, weight.tensor().dim(weight.transposed() ? 0 : 1)));
        }
      }
      case "Gemm" -> {
        Source weight = matrix(node.input(1));
        if (weight != null) {
          if (node.number("alpha", 1) != 1 || node.number("beta", 1) != 1) {
            throw new FormatException(file + ": node " + node + ": alpha and beta must be 1");
          }
          pair(node, weight, node.integer("transB", 0) == 0, vector(node.input(2)));
        }
      }
      case "Gather" -> {
        Source table = matrix(node.input(0));
        if (table != null) {
          pair(node, table, false, null);
        }
      }
      case "LayerNormalization" -> norm(node, vector(node.input(1)), vector(node.input(2)));
      case "SkipLayerNormalization" -> norm(node, vector(node.input(2)), vector(node.input(3)));
      case "Mul" -> {
        // The last two steps of a norm that is spelled out: x * weight + bias.
        Source weight = vector(node);
        Source bias = weight == null ? null : biasAfter(node, weight.tensor().dim(0));
        if (bias != null) {
          pair(node, weight, false, bias);
        }
      }
      default -> {}
    }
  }

  private void norm(NodeProto node, Source weight, Source bias) {
    if (weight != null) {
      pair(node, weight, false, bias);
    }
  }

  /** The bias that is added to what a node gives; null where none is. */
  private Source biasAfter(NodeProto node, long length) {
    for (NodeProto next : consumers.getOrDefault(node.output(), List.of())) {
      Source bias = bias(next);
      if (bias != null && bias.tensor().dim(0) == length) {
        return bias;
      }
    }
    return null;
  }

  /** The bias that a node adds; the last three operations are ONNX Runtime's. */
  private Source bias(NodeProto node) {
    return switch (node.op()) {
      case "Add" -> vector(node);
      case "BiasGelu", "FastGelu" -> vector(node.input(1));
      case "SkipLayerNormalization" -> vector(node.input(4));
      default -> null;
    };
  }

  private Source vector(NodeProto commutative) {
    Source second = vector(commutative.input(1));
    return second != null ? second : vector(commutative.input(0));
  }

  private Source vector(String value) {
    Source source = ofRank(1, value);
    return source == null || source.tensor().dim(0) < 2 ? null : source;
  }

  private Source matrix(String value) {
    return ofRank(2, value);
  }

  private Source ofRank(int rank, String value) {
    Source source = sources.get(value);
    boolean fits = source != null && source.tensor().floating() && source.tensor().rank() == rank;
    return fits ? source : null;
  }

  /**
   * Names a weight and its bias, null where it has none, by each other and by their node's module.
   */
  private void pair(NodeProto node, Source weight, boolean flipped, Source bias) {
    name(node, weight, flipped, bias, "weight");
    if (bias != null) {
      name(node, bias, false, weight, "bias");
    }
  }

  private void name(NodeProto node, Source source, boolean flipped, Source other, String kind) {
    placed.add(source);
    String byModule = node.module() == null ? null : node.module() + "." + kind;
    Stored stored = source.as(flipped);
    if (source.name() != null) {
      if (shared(source) && byModule != null) {
        names.putIfAbsent(byModule, stored);
      }
      return;
    }
    String byOther = other == null ? null : sibling(other.name());
    String name = byModule == null || (byOther != null && !shared(other)) ? byOther : byModule;
    if (name == null) {
      throw nameless(node, source);
    }
    Stored earlier = names.putIfAbsent(name, stored);
    if (earlier != null && !earlier.equals(stored)) {
      throw new FormatException(
          file
              + ": node "
              + node
              + ": "
              + stored.tensor()
              + " and "
              + earlier.tensor()
              + " both seem to be "
              + name
              + "; open the model's safetensors instead");
    }
  }

  private boolean shared(Source source) {
    return uses.getOrDefault(source.name(), 0) > 1;
  }

  /** The other one of weight and bias, or of gamma and beta; null where a name is none of them. */
  private static String sibling(String name) {
    if (name == null) {
      return null;
    }
    for (List<String> pair : SIBLINGS) {
      if (name.endsWith(pair.getFirst())) {
        return name.substring(0, name.length() - pair.getFirst().length()) + pair.getLast();
      }
    }
    return null;
  }

  private void complain(NodeProto node) {
    Source bias = bias(node);
    if (bias != null && bias.name() == null && !placed.contains(bias)) {
      throw nameless(node, bias);
    }
  }

  private FormatException nameless(NodeProto node, Source source) {
    return new FormatException(
        file
            + ": tensor="
            + source.value()
            + ", dims="
            + Arrays.toString(source.tensor().shape())
            + ", used by node "
            + node
            + ": its name is lost, and neither its neighbours nor the node"
            + " tell it; export the model again with torch.onnx.export, or open its safetensors");
  }

  /**
   * Names without what all of them begin with: the module that was wrapped around the model for the
   * export, or the prefix of the model's own body, which Hugging Face's checkpoints of a body alone
   * do not have either.
   */
  private static SortedMap<String, Stored> withoutWrapper(SortedMap<String, Stored> names) {
    if (names.isEmpty()) {
      return names;
    }
    String first = names.firstKey();
    String last = names.lastKey();
    int common = 0;
    while (common < Math.min(first.length(), last.length())
        && first.charAt(common) == last.charAt(common)) {
      common++;
    }
    for (String name : names.keySet()) {
      // A layer's own name stays: dense.weight.
      common = Math.min(common, name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1);
    }
    int cut = first.lastIndexOf('.', common - 1) + 1;
    SortedMap<String, Stored> bare = new TreeMap<>();
    names.forEach((name, stored) -> bare.put(name.substring(cut), stored));
    return bare;
  }
}
