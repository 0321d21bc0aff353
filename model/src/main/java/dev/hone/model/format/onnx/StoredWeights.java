package dev.hone.model.format.onnx;

import dev.hone.model.Embedding;
import dev.hone.model.Linear;
import dev.hone.model.Weight;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.util.List;

/**
 * A model's weights in an ONNX graph, so that {@link WeightNames} finds their names again. Tables,
 * biases and norms keep theirs; a matrix stands there transposed, as products read it, and the node
 * that reads it has its layer's name, as has the one that looks up a quantized table:
 *
 * <pre>
 *   x [token, in] ---- MatMul "/encoder.layer.0.output.dense/MatMul" ---- y [token, out]
 *                        |
 *            encoder.layer.0.output.dense.weight/transposed [in, out]
 * </pre>
 *
 * <p>A quantized matrix stands before a DequantizeLinear. Where inputs are rounded token by token,
 * and the matrix has one scale an output, a MatMulInteger takes its integers as they are.
 */
final class StoredWeights {
  private final GraphWriter graph;
  private final RoundedInputs inputs;

  StoredWeights(GraphWriter graph) {
    this.graph = graph;
    this.inputs = new RoundedInputs(graph);
  }

  /** {@code x Wᵀ}. */
  String product(String x, Linear layer) {
    Weight weight = layer.weight();
    if (layer.input() instanceof Input.Kind kind && kind.ofRows() && channels(weight)) {
      return productOfIntegers(inputs.steps(x, kind), layer);
    }
    String matrix =
        weight.tensor().dtype() instanceof Affine
            ? new IntegerMatrix(graph, weight).dequantized()
            : graph.initializer(
                weight.name() + "/transposed",
                Plain.F32,
                new long[] {layer.in(), layer.out()},
                arena -> Layouts.decode(plain(weight), arena).transposed(arena).data());
    return graph.node(
        "MatMul",
        "/" + layer.name() + "/MatMul",
        List.of(inputs.floats(x, layer.input()), matrix),
        inputs.marks(layer.input()));
  }

  /** Whether products may be of integers: one scale an output, and no zero points. */
  private static boolean channels(Weight weight) {
    return weight.tensor().dtype() instanceof Affine type && type.bytesByRow();
  }

  /**
   * {@code s t ((u - z) Wᵀ)} of inputs {@code s (u - z)} and weights {@code t W}, the sums exact in
   * 32 bits.
   */
  private String productOfIntegers(RoundedInputs.Steps steps, Linear layer) {
    var matrix = new IntegerMatrix(graph, layer.weight());
    String sums =
        graph.node(
            "MatMulInteger",
            "/" + layer.name() + "/MatMulInteger",
            List.of(steps.integers(), matrix.integers()),
            matrix.mark(),
            inputs.marks(layer.input())[0]);
    String zeros = graph.node("Cast", List.of(steps.zero()), Padding.type(Plain.I32));
    String ofZeros = graph.node("Mul", List.of(zeros, matrix.sums()));
    String exact = graph.node("Sub", List.of(sums, ofZeros));
    String floats = graph.node("Cast", List.of(exact), Padding.type(Plain.F32));
    String scaled = graph.node("Mul", List.of(floats, matrix.scales()));
    return graph.node("Mul", List.of(scaled, steps.scale()));
  }

  /** The rows of a table. */
  String lookUp(Embedding table, String rows) {
    return table.weight().tensor().dtype() instanceof Affine
        ? new IntegerTable(graph, table.weight()).lookUp(rows)
        : graph.node("Gather", List.of(floats(table.weight()), rows));
  }

  /** A bias, a norm's weight, or a table, under its own name. */
  String floats(Weight weight) {
    Tensor tensor = plain(weight);
    return graph.initializer(
        weight.name(), Plain.F32, tensor.shape(), arena -> Layouts.decode(tensor, arena).data());
  }

  private static Tensor plain(Weight weight) {
    if (weight.tensor().dtype() instanceof Plain) {
      return weight.tensor();
    }
    throw new FormatException(
        weight.name()
            + " is "
            + weight.tensor()
            + ": ONNX is written of plain numbers, and of matrices and embeddings of 8 and 4 bits"
            + " (int8-channel, int4-g32 and the like)");
  }
}
