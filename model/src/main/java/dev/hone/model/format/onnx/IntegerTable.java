package dev.hone.model.format.onnx;

import static dev.hone.model.format.onnx.GraphWriter.Attribute.mark;

import dev.hone.model.Weight;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.onnx.GraphWriter.Attribute;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.util.List;

/**
 * A table of embeddings as integers in an ONNX graph: {@link Grids} reads it back.
 *
 * <pre>
 *             NAME/TYPE                      NAME/scale            NAME/zero, where asymmetric
 *   8 bits    I8 [row, dim]                  F32 [row, group, 1]   I8 [row, group, 1]
 *   4 bits    U8 [row, pair of columns]
 * </pre>
 */
final class IntegerTable {
  private final GraphWriter graph;
  private final Weight weight;
  private final Tensor tensor;
  private final Affine type;

  IntegerTable(GraphWriter graph, Weight weight) {
    this.graph = graph;
    this.weight = weight;
    this.tensor = weight.tensor();
    this.type = (Affine) tensor.dtype();
  }

  /**
   * Rows of a table as floats: the integers are looked up, then their grids.
   *
   * @param rows [batch, sequence]
   */
  String lookUp(String rows) {
    long dim = tensor.cols();
    int groups = type.groups(dim);
    long bytes = type.rowBytes(dim);
    if (dim % type.groupColumns(dim) != 0 || type.bits() == 4 && dim != 2 * bytes) {
      throw new FormatException(
          weight.name()
              + " is "
              + tensor
              + ": ONNX is written of tables whose rows are whole groups, at 4 bits of 8 columns"
              + " each; encode embeddings as int8-channel");
    }
    String table =
        graph.initializer(
            weight.name() + "/" + type.label(),
            type.bits() == 8 ? Plain.I8 : Plain.U8,
            new long[] {tensor.rows(), bytes},
            _ -> tensor.data());
    String module = weight.name().substring(0, weight.name().lastIndexOf('.'));
    String looked =
        graph.node(
            "Gather",
            "/" + module + "/Gather",
            List.of(table, rows),
            mark(Grids.TYPE, type.label()));
    String integers = type.bits() == 8 ? looked : columns(looked);
    String grouped = node("Reshape", floats(integers), graph.integers(0, 0, groups, dim / groups));
    String steps = grouped;
    if (!type.symmetric()) {
      steps = node("Sub", grouped, floats(node("Gather", zeros(), rows)));
    } else if (type.middle() != 0) {
      steps = node("Sub", grouped, graph.constant(type.middle()));
    }
    String numbers = node("Mul", steps, node("Gather", scales(), rows));
    return node("Reshape", numbers, graph.integers(0, 0, -1));
  }

  /** The two columns of every byte: [batch, sequence, column]. */
  private String columns(String bytes) {
    String low = node("BitwiseAnd", bytes, graph.octet(15));
    String high =
        graph.node(
            "BitShift", List.of(bytes, graph.octet(4)), Attribute.text("direction", "RIGHT"));
    String pairs =
        graph.node(
            "Concat",
            List.of(
                node("Unsqueeze", low, graph.integers(-1)),
                node("Unsqueeze", high, graph.integers(-1))),
            Attribute.integer("axis", -1));
    return node("Reshape", pairs, graph.integers(0, 0, -1));
  }

  private String scales() {
    return graph.initializer(
        weight.name() + Grids.SCALE,
        Plain.F32,
        gridDims(),
        arena -> Layouts.decode(tensor.scales(), arena).data());
  }

  private String zeros() {
    return graph.initializer(
        weight.name() + Grids.ZERO, Plain.I8, gridDims(), _ -> tensor.zeros().data());
  }

  /** Of three dimensions, so that nobody takes them for a weight. */
  private long[] gridDims() {
    return new long[] {tensor.rows(), type.groups(tensor.cols()), 1};
  }

  private String floats(String integers) {
    return graph.node("Cast", List.of(integers), Padding.type(Plain.F32));
  }

  private String node(String op, String... inputs) {
    return graph.node(op, List.of(inputs));
  }
}
