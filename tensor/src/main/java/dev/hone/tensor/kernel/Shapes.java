package dev.hone.tensor.kernel;

import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import java.util.Arrays;

/** What every tier checks of its arguments before it touches memory. */
public final class Shapes {
  private Shapes() {}

  /** Arguments of {@link Kernels#pack}. */
  public static void checkPack(Tensor weight) {
    require(weight.rank() == 2, "weight", weight, "a matrix [out, in]");
    if (weight.dtype() instanceof Plain plain && !isFloat(plain)) {
      throw new IllegalArgumentException("weight must be floats or quantized, not " + weight);
    }
    if (weight.columnOrder() != null) {
      throw new IllegalArgumentException(
          "weight's columns stand in another order than they count: pack it in stored order, and"
              + " bring inputs into that order");
    }
    Math.toIntExact(weight.rows());
    Math.toIntExact(weight.cols());
  }

  /** Arguments of {@link Kernels#linear}. */
  public static void checkLinear(Tensor x, PackedMatrix weight, Tensor bias, Tensor y) {
    requireF32("x", x, x.rows(), weight.cols());
    requireF32("y", y, x.rows(), weight.rows());
    if (bias != null) {
      requireF32("bias", bias, 1, weight.rows());
    }
  }

  /** Arguments of {@link Kernels#attention}. */
  public static void checkAttention(
      Tensor q, int[] offsets, KeyValues keys, AttentionShape shape, Tensor bias, Tensor out) {
    checkOffsets(offsets, q.rows());
    requireF32("q", q, q.rows(), (long) shape.heads() * shape.headDim());
    requireF32("out", out, q.rows(), (long) shape.heads() * shape.headDim());
    boolean known =
        Arrays.stream(KeyValueType.values())
            .anyMatch(type -> type.dtype(shape.headDim()).equals(keys.dtype()));
    for (Tensor page : keys.pages()) {
      require(
          known
              && page.dtype().equals(keys.dtype())
              && page.cols() == (long) shape.kvHeads() * shape.headDim(),
          "keys and values",
          page,
          shape.kvHeads() * shape.headDim() + " numbers a token of one KeyValueType");
    }
    if (keys.sequences() != offsets.length - 1) {
      throw new IllegalArgumentException(
          "keys are of " + keys.sequences() + " sequences, queries of " + (offsets.length - 1));
    }
    for (int s = 0; s < keys.sequences(); s++) {
      int queries = offsets[s + 1] - offsets[s];
      if (keys.count(s) < queries) {
        throw new IllegalArgumentException(
            "sequence " + s + " has " + queries + " queries and only " + keys.count(s) + " keys");
      }
    }
    if (bias != null) {
      requireF32("bias", bias, shape.heads(), bias.cols());
      require(bias.cols() % 2 == 1, "bias", bias, "as far before a query as after it");
    }
  }

  /** Arguments of {@link Kernels#rope}. */
  public static void checkRope(Tensor x, Tensor table, int[] positions, int headDim, Tensor out) {
    checkSame(x, out);
    require(x.rows() == positions.length, "x", x, "of " + positions.length + " tokens");
    require(x.cols() % headDim == 0, "x", x, "heads of " + headDim + " numbers");
    requireF32("table", table, table.rows(), table.cols());
    require(
        table.cols() % 2 == 0 && table.cols() <= headDim,
        "table",
        table,
        "of pairs, at most " + headDim + " numbers a position");
    for (int position : positions) {
      if (position < 0 || position >= table.rows()) {
        throw new IllegalArgumentException("position " + position + " is not in " + table);
      }
    }
  }

  /** Arguments of {@link Kernels#addRows}. */
  public static void checkAddRows(Tensor x, float[] factors, int[] rows, Tensor out) {
    requireF32("x", x, rows.length, out.cols());
    requireF32("out", out, out.rows(), out.cols());
    if (factors.length != rows.length) {
      throw new IllegalArgumentException(
          "factors=" + factors.length + ", rows=" + rows.length + ": must be equal");
    }
    var seen = new java.util.BitSet();
    for (int row : rows) {
      if (row < 0 || row >= out.rows() || seen.get(row)) {
        throw new IllegalArgumentException("row " + row + " is named twice or not in " + out);
      }
      seen.set(row);
    }
  }

  /** Arguments of {@link Kernels#layerNorm}. */
  public static void checkLayerNorm(
      Tensor x, Tensor residual, Tensor weight, Tensor bias, Tensor out) {
    requireF32("x", x, x.rows(), x.cols());
    requireF32("out", out, x.rows(), x.cols());
    requireF32("weight", weight, 1, x.cols());
    if (residual != null) {
      requireF32("residual", residual, x.rows(), x.cols());
    }
    if (bias != null) {
      requireF32("bias", bias, 1, x.cols());
    }
  }

  /** Arguments of {@link Kernels#embed}. */
  public static void checkEmbed(Tensor table, int[] rows, Tensor out) {
    requireF32("out", out, rows.length, table.cols());
    for (int i = 0; i < rows.length; i++) {
      if (rows[i] < 0 || rows[i] >= table.rows()) {
        throw new IllegalArgumentException(
            "row "
                + rows[i]
                + " (number "
                + i
                + " of those asked for) is not in the table "
                + table
                + "; the ids probably belong to another vocabulary");
      }
    }
  }

  /** Arguments of {@link Kernels#pool}. */
  public static void checkPool(Tensor x, int[] offsets, Tensor out) {
    checkOffsets(offsets, x.rows());
    for (int s = 0; s + 1 < offsets.length; s++) {
      if (offsets[s] == offsets[s + 1]) {
        throw new IllegalArgumentException("sequence " + s + " has no tokens to pool");
      }
    }
    requireF32("x", x, x.rows(), x.cols());
    requireF32("out", out, offsets.length - 1, x.cols());
  }

  /** F32 tensors of one shape. */
  public static void checkSame(Tensor a, Tensor b) {
    requireF32("input", a, a.rows(), a.cols());
    requireF32("tensor", b, a.rows(), a.cols());
  }

  private static void checkOffsets(int[] offsets, long tokens) {
    boolean rising = offsets.length > 0 && offsets[0] == 0;
    for (int s = 1; s < offsets.length; s++) {
      rising &= offsets[s] >= offsets[s - 1];
    }
    if (!rising || offsets[offsets.length - 1] != tokens) {
      throw new IllegalArgumentException(
          "offsets must rise from 0 to the "
              + tokens
              + " tokens of the batch, not "
              + Arrays.toString(offsets));
    }
  }

  private static void requireF32(String name, Tensor tensor, long rows, long cols) {
    if (tensor.dtype() != Plain.F32 || tensor.rows() != rows || tensor.cols() != cols) {
      require(false, name, tensor, "f32[" + rows + ", " + cols + "]");
    }
  }

  private static boolean isFloat(DType type) {
    return type == Plain.F32 || type == Plain.F16 || type == Plain.BF16;
  }

  private static void require(boolean holds, String name, Tensor tensor, String wanted) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + wanted + ", not " + tensor);
    }
  }
}
