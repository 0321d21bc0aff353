package dev.hone.model.format.onnx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.onnx.Values.Stored;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;

/**
 * The scales and zero points of a weight's integers in an ONNX file of Hone's, found by their
 * names: {@link IntegerMatrix} and {@link IntegerTable} show how they lie. The node that takes the
 * integers is marked with the weight's type.
 *
 * @param zero null where the type is symmetric
 */
record Grids(Affine type, TensorProto scale, TensorProto zero) {
  static final String TYPE = "hone.type";
  static final String SCALE = "/scale";
  static final String ZERO = "/zero";

  /** Whether a node takes integers of a weight. */
  static boolean marked(NodeProto node) {
    return node.marks().containsKey(TYPE);
  }

  /** The grids of the integers that a marked node takes. */
  static Grids of(String file, NodeProto node, String integers, Map<String, TensorProto> tensors) {
    String label = node.marks().get(TYPE);
    String ending = "/" + label;
    if (!(type(file, node, label) instanceof Affine type)
        || !integers.endsWith(ending)
        || !tensors.containsKey(integers)
        || tensors.get(integers).rank() != 2) {
      throw new FormatException(
          "%s: node %s: %s=%s, but what it takes, %s, is no matrix of that type"
              .formatted(file, node, TYPE, label, integers));
    }
    String weight = integers.substring(0, integers.length() - ending.length());
    return new Grids(
        type,
        tensor(file, weight + SCALE, tensors),
        type.symmetric() ? null : tensor(file, weight + ZERO, tensors));
  }

  private static DType type(String file, NodeProto node, String label) {
    try {
      return DType.of(label);
    } catch (IllegalArgumentException e) {
      throw new FormatException("%s: node %s: %s".formatted(file, node, e.getMessage()), e);
    }
  }

  private static TensorProto tensor(String file, String name, Map<String, TensorProto> tensors) {
    TensorProto tensor = tensors.get(name);
    if (tensor == null) {
      throw new FormatException(file + " has no tensor " + name);
    }
    return tensor;
  }

  /** The weight: a matrix [out, in], or a table [row, dim]. */
  Tensor tensor(Stored stored, Arena arena, ExternalFiles files) {
    TensorProto integers = stored.tensor();
    return stored.transposed()
        ? matrix(integers, integers.dim(1), integers.dim(0), arena, files)
        : table(integers, integers.dim(0), arena, files);
  }

  private Tensor table(TensorProto integers, long rows, Arena arena, ExternalFiles files) {
    boolean wide = type.bits() == 8;
    long cols = wide ? integers.dim(1) : 2 * integers.dim(1);
    long groups = type.groups(cols);
    long[] dims = {rows, groups, 1};
    MemorySegment data = of(integers, wide ? Plain.I8 : Plain.U8).data(arena, files);
    Tensor scales = Tensor.of(Plain.F32, floats(dims).data(arena, files), rows, groups);
    Tensor zeros =
        zero == null
            ? null
            : Tensor.of(
                Plain.I8, of(shaped(zero, dims), Plain.I8).data(arena, files), rows, groups);
    return affine(integers, data, rows, cols, scales, zeros);
  }

  private Tensor matrix(
      TensorProto integers, long rows, long cols, Arena arena, ExternalFiles files) {
    long groups = type.groups(cols);
    long[] dims = type.group() == 0 ? new long[] {rows} : new long[] {groups, rows};
    Tensor scales =
        Tensor.of(Plain.F32, floats(dims).data(arena, files), groups, rows).transposed(arena);
    try (Arena passing = Arena.ofConfined()) {
      Tensor bytes = octets(integers, cols, rows, passing, files);
      Tensor zeros =
          zero == null
              ? null
              : octets(shaped(zero, dims), groups, rows, passing, files).transposed(arena);
      if (type.bits() == 8) {
        return affine(integers, turned(bytes, arena), rows, cols, scales, zeros);
      }
      MemorySegment turned = turned(bytes, passing);
      long rowBytes = type.rowBytes(cols);
      MemorySegment packed = arena.allocate(Math.multiplyExact(rows, rowBytes), Tensor.ALIGNMENT);
      for (long row = 0; row < rows; row++) {
        for (long col = 0; col < cols; col++) {
          long at = row * rowBytes + col / 2;
          // Of four bits, q - 8 is q ^ 8.
          int q = turned.get(JAVA_BYTE, row * cols + col) ^ (type.symmetric() ? type.middle() : 0);
          packed.set(JAVA_BYTE, at, (byte) (packed.get(JAVA_BYTE, at) | q << col % 2 * 4));
        }
      }
      return affine(integers, packed, rows, cols, scales, zeros);
    }
  }

  private static MemorySegment turned(Tensor matrix, Arena arena) {
    MemorySegment turned = arena.allocate(matrix.size(), Tensor.ALIGNMENT);
    Onnx.transpose(matrix.data(), turned, matrix.rows(), matrix.cols(), 1);
    return turned;
  }

  /** A byte each. */
  private Tensor octets(
      TensorProto tensor, long outer, long inner, Arena arena, ExternalFiles files) {
    if (type.bits() == 8) {
      return Tensor.of(Plain.I8, of(tensor, Plain.I8).data(arena, files), outer, inner);
    }
    MemorySegment packed = tensor.nibbles(files);
    Tensor octets = Tensor.allocate(arena, Plain.I8, outer, inner);
    for (long i = 0; i < octets.size(); i++) {
      int q = packed.get(JAVA_BYTE, i / 2) >>> i % 2 * 4 & 15;
      octets.data().set(JAVA_BYTE, i, (byte) q);
    }
    return octets;
  }

  private Tensor affine(
      TensorProto integers, MemorySegment data, long rows, long cols, Tensor scales, Tensor zeros) {
    try {
      return Tensor.affine(type, data, rows, cols, scales, zeros);
    } catch (IllegalArgumentException e) {
      throw integers.error(e.getMessage());
    }
  }

  private TensorProto floats(long[] dims) {
    return of(shaped(scale, dims), Plain.F32);
  }

  private static TensorProto of(TensorProto tensor, Plain wanted) {
    if (tensor.dtype() != wanted) {
      throw tensor.error("is " + tensor.dtype().label() + ", not " + wanted.label());
    }
    return tensor;
  }

  private static TensorProto shaped(TensorProto tensor, long[] dims) {
    if (!Arrays.equals(tensor.shape(), dims)) {
      throw tensor.error("dims must be " + Arrays.toString(dims));
    }
    return tensor;
  }
}
