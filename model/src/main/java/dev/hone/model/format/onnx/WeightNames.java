package dev.hone.model.format.onnx;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.onnx.Values.Stored;
import dev.hone.model.format.onnx.Values.Value;
import dev.hone.tensor.Input;
import java.util.HashSet;
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
  /** Operations on quantized weights: ONNX's own, then ONNX Runtime's. */
  private static final Set<String> QUANTIZED =
      Set.of(
          "DequantizeLinear",
          "QuantizeLinear",
          "DynamicQuantizeLinear",
          "MatMulInteger",
          "QLinearMatMul",
          "MatMulNBits",
          "MatMulBnb4",
          "MatMulFpQ4",
          "MatMulIntegerToFloat",
          "DynamicQuantizeMatMul",
          "QGemm",
          "QAttention",
          "QOrderedMatMul",
          "QEmbedLayerNormalization",
          "GatherBlockQuantized");

  /** Last words of parameters' names, and those of the parameters beside them. */
  private static final Map<String, String> SIBLINGS =
      Map.of("weight", "bias", "bias", "weight", "gamma", "beta", "beta", "gamma");

  private final String file;
  private final Values values;
  private final Set<Value> placed = new HashSet<>();
  private final SortedMap<String, Stored> names = new TreeMap<>();

  private WeightNames(String file, Values values) {
    this.file = file;
    this.values = values;
  }

  /** Every named tensor of a graph, under its name in Hugging Face's checkpoints. */
  static SortedMap<String, Stored> trace(String file, GraphProto graph) {
    graph.nodes().forEach(node -> refuse(file, node));
    WeightNames names = new WeightNames(file, new Values(file, graph));
    names.values.all().forEach(names::keep);
    graph.nodes().forEach(names::place);
    graph.nodes().forEach(names::requireName);
    return withoutWrapper(names.names);
  }

  private static void refuse(String file, NodeProto node) {
    if (QUANTIZED.contains(node.op()) && node.marks().isEmpty()) {
      throw new FormatException(
          "%s: node %s: the model is quantized; open its float export, mostly model.onnx beside it"
              .formatted(file, node));
    }
    if (node.op().equals("Attention") && node.domain().equals("com.microsoft")) {
      throw new FormatException(
          "%s: node %s: an optimizer has fused query, key and value; open the export before optimization"
              .formatted(file, node));
    }
  }

  private void keep(Value value) {
    if (value.value().equals(value.parameter())) {
      names.put(value.parameter(), value.stored(false, Input.FLOAT, null));
    }
  }

  private void place(NodeProto node) {
    switch (node.op()) {
      case "MatMul", "MatMulInteger" -> {
        Value weight = values.matrix(node, 1);
        if (weight != null) {
          pair(node, weight, true, values.biasAfter(node, weight.dim(1)));
        }
      }
      case "Gemm" -> {
        Value weight = values.matrix(node, 1);
        if (weight != null) {
          if (node.number("alpha", 1) != 1 || node.number("beta", 1) != 1) {
            throw new FormatException(
                "%s: node %s: alpha and beta must be 1, the weights would be others"
                    .formatted(file, node));
          }
          pair(node, weight, node.integer("transB", 0) == 0, values.bias(node));
        }
      }
      case "Gather" -> pair(node, values.matrix(node, 0), false, null);
      case "LayerNormalization" ->
          pair(node, values.vector(node.input(1)), false, values.vector(node.input(2)));
      case "SkipLayerNormalization" ->
          pair(node, values.vector(node.input(2)), false, values.vector(node.input(3)));
      case "Mul" -> {
        // The last two steps of a norm that is spelled out: x * weight + bias.
        Value weight = values.vector(node);
        Value bias = weight == null ? null : values.biasAfter(node, weight.tensor().dim(0));
        if (bias != null) {
          pair(node, weight, false, bias);
        }
      }
      default -> {}
    }
  }

  /**
   * Names a weight and its bias, null where there is none, by each other and by their node's
   * module.
   *
   * @param flipped whether the weight is used as the transpose of what PyTorch has
   */
  private void pair(NodeProto node, Value weight, boolean flipped, Value bias) {
    if (weight != null) {
      name(node, weight, flipped, bias, "weight");
    }
    if (bias != null) {
      name(node, bias, false, weight, "bias");
    }
  }

  private void name(NodeProto node, Value value, boolean flipped, Value other, String kind) {
    placed.add(value);
    Stored stored = value.stored(flipped, RoundedInputs.of(file, node), values.factors(node));
    String byModule = node.module() == null ? null : node.module() + "." + kind;
    if (value.parameter() != null && sibling(value) != null) {
      // A shared parameter keeps one of its names; the others are its users'.
      if (values.shared(value) && byModule != null) {
        names.putIfAbsent(byModule, stored);
      }
      return;
    }
    String byOther = other == null ? null : sibling(other);
    String name =
        byModule == null || (byOther != null && !values.shared(other)) ? byOther : byModule;
    if (name == null) {
      if (value.parameter() == null) {
        throw nameless(node, value);
      }
      return;
    }
    Stored earlier = names.putIfAbsent(name, stored);
    if (earlier != null && !earlier.equals(stored)) {
      throw new FormatException(
          "%s: node %s: tensors %s and %s both seem to be %s; open the model's safetensors instead"
              .formatted(file, node, stored.tensor(), earlier.tensor(), name));
    }
  }

  /**
   * The name of the parameter beside this one in its module; null where the name is of no such
   * kind.
   */
  private static String sibling(Value value) {
    String name = value.parameter();
    if (name == null) {
      return null;
    }
    for (var pair : SIBLINGS.entrySet()) {
      if (name.endsWith(pair.getKey())) {
        return name.substring(0, name.length() - pair.getKey().length()) + pair.getValue();
      }
    }
    return null;
  }

  private void requireName(NodeProto node) {
    Value bias = values.bias(node);
    if (bias != null && bias.parameter() == null && !placed.contains(bias)) {
      throw nameless(node, bias);
    }
  }

  private FormatException nameless(NodeProto node, Value value) {
    return new FormatException(
        ("%s: tensor %s, used by node %s: its name is lost, and neither its neighbours nor the node"
             + " tell it; export the model again with torch.onnx.export, or open its safetensors")
            .formatted(file, value.tensor(), node));
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
