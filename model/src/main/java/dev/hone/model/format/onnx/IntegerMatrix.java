package dev.hone.model.format.onnx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.model.Weight;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.onnx.GraphWriter.Attribute;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A linear layer's integers in an ONNX graph, transposed as products read them: {@link Grids} reads
 * them back.
 *
 * <pre>
 *                         NAME/TYPE              NAME/scale         NAME/zero
 *   8 bits                I8 [in, out]           F32 [out], or
 *   8 bits, asymmetric    I8 [in, out]               [group, out]   I8 likewise
 *   4 bits                I4 [in, out], q - 8
 *   4 bits, asymmetric    U4 [in, out]                              U4 likewise
 * </pre>
 */
final class IntegerMatrix {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final GraphWriter graph;
  private final Weight weight;
  private final Tensor tensor;
  private final Affine type;

  IntegerMatrix(GraphWriter graph, Weight weight) {
    this.graph = graph;
    this.weight = weight;
    this.tensor = weight.tensor();
    this.type = (Affine) tensor.dtype();
    if (tensor.columnOrder() != null) {
      throw new FormatException(
          weight.name()
              + " has its columns in another order (desc_act), which ONNX has nothing for: quantize"
              + " the model with Hone's gptq");
    }
  }

  /** The integers of a matrix as a product reads them. */
  String integers() {
    long[] dims = {tensor.cols(), tensor.rows()};
    String name = weight.name() + "/" + type.label();
    if (type.bits() == 8) {
      return graph.initializer(
          name,
          Plain.I8,
          dims,
          arena -> Tensor.of(Plain.I8, tensor.data(), tensor.shape()).transposed(arena).data());
    }
    return graph.nibbles(
        name, type.symmetric() ? TensorProto.INT4 : TensorProto.UINT4, dims, this::nibbles);
  }

  /** The matrix as floats. */
  String dequantized() {
    List<String> inputs =
        type.symmetric() ? List.of(integers(), scales()) : List.of(integers(), scales(), zeros());
    Attribute axis = Attribute.integer("axis", type.group() == 0 ? 1 : 0);
    String name = "/" + weight.name() + "/DequantizeLinear";
    return type.group() == 0
        ? graph.node("DequantizeLinear", name, inputs, axis, mark())
        : graph.node("DequantizeLinear", name, inputs, axis, graph.group(type.group()), mark());
  }

  /** Says to Hone what the integers are that a node takes. */
  Attribute mark() {
    return Attribute.mark(Grids.TYPE, type.label());
  }

  /** What each column of integers adds up to: I32 [out]. */
  String sums() {
    return graph.initializer(
        weight.name() + "/sums",
        Plain.I32,
        new long[] {tensor.rows()},
        arena -> {
          MemorySegment sums = arena.allocate(tensor.rows() * Integer.BYTES);
          for (long row = 0; row < tensor.rows(); row++) {
            int sum = 0;
            for (long col = 0; col < tensor.cols(); col++) {
              sum += tensor.row(row).get(JAVA_BYTE, col);
            }
            sums.set(INT, row * Integer.BYTES, sum);
          }
          return sums;
        });
  }

  /** [out], or [group, out]. */
  String scales() {
    return graph.initializer(
        weight.name() + Grids.SCALE,
        Plain.F32,
        gridDims(),
        arena -> Layouts.decode(tensor.scales(), arena).transposed(arena).data());
  }

  private String zeros() {
    String name = weight.name() + Grids.ZERO;
    return type.bits() == 8
        ? graph.initializer(
            name, Plain.I8, gridDims(), arena -> tensor.zeros().transposed(arena).data())
        : graph.nibbles(
            name,
            TensorProto.UINT4,
            gridDims(),
            arena -> packed(arena, tensor.zeros().transposed(arena).data()));
  }

  private long[] gridDims() {
    return type.group() == 0
        ? new long[] {tensor.rows()}
        : new long[] {type.groups(tensor.cols()), tensor.rows()};
  }

  /** Two integers of a byte each in one. */
  private static MemorySegment packed(Arena arena, MemorySegment bytes) {
    MemorySegment packed = arena.allocate((bytes.byteSize() + 1) / 2);
    for (long i = 0; i < bytes.byteSize(); i++) {
      put(packed, i, bytes.get(JAVA_BYTE, i) & 15);
    }
    return packed;
  }

  private MemorySegment nibbles(Arena arena) {
    long rows = tensor.rows();
    MemorySegment packed = arena.allocate((tensor.size() + 1) / 2);
    int flip = type.symmetric() ? type.middle() : 0; // of four bits, q - 8 is q ^ 8
    for (long row = 0; row < rows; row++) {
      MemorySegment bytes = tensor.row(row);
      for (long col = 0; col < tensor.cols(); col++) {
        int q = bytes.get(JAVA_BYTE, col / 2) >>> col % 2 * 4 & 15;
        put(packed, col * rows + row, q ^ flip);
      }
    }
    return packed;
  }

  private static void put(MemorySegment packed, long index, int q) {
    int before = packed.get(JAVA_BYTE, index / 2);
    packed.set(JAVA_BYTE, index / 2, (byte) (before | q << index % 2 * 4));
  }
}
