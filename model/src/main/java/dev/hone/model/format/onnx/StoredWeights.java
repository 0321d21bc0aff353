package dev.hone.model.format.onnx;

import dev.hone.model.Embedding;
import dev.hone.model.Linear;
import dev.hone.model.Weight;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.util.List;

/**
 * A model's weights in an ONNX graph, so that {@link WeightNames} finds their names again. Tables,
 * biases and norms keep theirs; a matrix stands there transposed, as products read it, and the node
 * that reads it has its layer's name:
 *
 * <pre>
 *   x [token, in] ---- MatMul "/encoder.layer.0.output.dense/MatMul" ---- y [token, out]
 *                        |
 *            encoder.layer.0.output.dense.weight/transposed [in, out]
 * </pre>
 */
final class StoredWeights {
  private final GraphWriter graph;

  StoredWeights(GraphWriter graph) {
    this.graph = graph;
  }

  /** {@code x Wᵀ}. */
  String product(String x, Linear layer) {
    Weight weight = layer.weight();
    if (!layer.input().equals(Input.FLOAT)) {
      throw new FormatException(
          weight.name()
              + " reads its input as "
              + layer.input().label()
              + ": ONNX is written of models that read it as it comes");
    }
    String transposed =
        graph.initializer(
            weight.name() + "/transposed",
            Plain.F32,
            new long[] {layer.in(), layer.out()},
            arena -> Layouts.decode(plain(weight), arena).transposed(arena).data());
    return graph.node("MatMul", "/" + layer.name() + "/MatMul", List.of(x, transposed));
  }

  /** The rows of a table. */
  String lookUp(Embedding table, String rows) {
    return graph.node("Gather", List.of(floats(table.weight()), rows));
  }

  /** A bias, a norm's weight, or a table, under its own name. */
  String floats(Weight weight) {
    Tensor tensor = plain(weight);
    return graph.initializer(
        weight.name(), Plain.F32, tensor.shape(), arena -> Layouts.decode(tensor, arena).data());
  }

  private static Tensor plain(Weight weight) {
    return switch (weight.tensor().dtype()) {
      case Plain _ -> weight.tensor();
      case Affine _, Block _ ->
          throw new FormatException(
              weight.name()
                  + " is "
                  + weight.tensor()
                  + ": ONNX is written of plain numbers; export the model before it is quantized");
    };
  }
}
