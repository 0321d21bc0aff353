package dev.hone.model.format.gguf;

import dev.hone.model.format.FormatException;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What llama.cpp's converter does to the numbers of a tensor, and how it is undone. Rows are moved
 * whole, so that quantized ones stay as they are.
 */
sealed interface Change {

  /** Nothing. */
  record None() implements Change {}

  /**
   * Rows of each head interleaved, first half with second half, for a RoPE that turns neighbours:
   * row {@code 2 i + p} of a head was row {@code p dim / 2 + i}.
   */
  record RopePairs(int heads) implements Change {}

  /**
   * Rows [head, query or key or value, dim] brought into the order [query or key or value, head,
   * dim].
   */
  record SplitHeads(int heads) implements Change {}

  /** [in, out] brought into the order [out, in]. */
  record Transposed() implements Change {}

  /** One added, for norms whose weights are kept as distances from one. */
  record PlusOne() implements Change {}

  /** One matrix an expert stacked to [expert, out, in]; the name has the place {@code #}. */
  record Stacked() implements Change {}

  /** What a checkpoint has, from what llama.cpp has; memory is taken where the numbers move. */
  default Tensor undo(String name, Tensor tensor, Arena arena) {
    return switch (this) {
      case None _ -> tensor;
      case RopePairs pairs -> {
        int dim = dim(name, tensor, pairs.heads);
        yield moved(
            tensor,
            arena,
            row -> row / dim * dim + row % dim % (dim / 2) * 2 + row % dim / (dim / 2));
      }
      case SplitHeads split -> {
        int dim = dim(name, tensor, 3 * split.heads);
        yield moved(
            tensor, arena, row -> (row / dim % 3 * split.heads + row / dim / 3) * dim + row % dim);
      }
      case Transposed _ -> throw new IllegalStateException(name + " is taken as it lies");
      case PlusOne _ -> plus(-1, tensor, arena);
      case Stacked _ -> throw new IllegalStateException(name + ": an expert of it is wanted");
    };
  }

  /** What llama.cpp has, from what a checkpoint has. */
  default Tensor apply(String name, Tensor tensor, Arena arena) {
    return switch (this) {
      case None _ -> tensor;
      case RopePairs pairs -> {
        int dim = dim(name, tensor, pairs.heads);
        yield moved(tensor, arena, row -> row / dim * dim + row % 2 * (dim / 2) + row % dim / 2);
      }
      case SplitHeads split -> {
        int dim = dim(name, tensor, 3 * split.heads);
        int heads = split.heads;
        yield moved(
            tensor, arena, row -> (row / dim % heads * 3 + row / dim / heads) * dim + row % dim);
      }
      case Transposed _ -> transposed(name, tensor, arena);
      case PlusOne _ -> plus(1, tensor, arena);
      case Stacked _ -> throw new IllegalStateException(name + ": experts are stacked together");
    };
  }

  private static int dim(String name, Tensor tensor, int parts) {
    long rows = rows(tensor);
    if (rows % (2L * parts) != 0) {
      throw new FormatException(
          "tensor="
              + name
              + ", "
              + tensor
              + ": "
              + rows
              + " rows are not those of "
              + parts
              + " heads");
    }
    return Math.toIntExact(rows / parts);
  }

  /** Rows of a matrix, numbers of a vector. */
  private static long rows(Tensor tensor) {
    return tensor.rank() == 1 ? tensor.cols() : tensor.rows();
  }

  @FunctionalInterface
  interface Origin {
    long row(long row);
  }

  private static Tensor moved(Tensor tensor, Arena arena, Origin origin) {
    Tensor moved = Tensor.allocate(arena, tensor.dtype(), tensor.shape());
    long rows = rows(tensor);
    long bytes = tensor.data().byteSize() / rows;
    for (long row = 0; row < rows; row++) {
      MemorySegment.copy(tensor.data(), origin.row(row) * bytes, moved.data(), row * bytes, bytes);
    }
    return moved;
  }

  private static Tensor transposed(String name, Tensor tensor, Arena arena) {
    if (!(tensor.dtype() instanceof Plain plain)) {
      throw new FormatException(
          "tensor="
              + name
              + ", "
              + tensor
              + ": a matrix of this type cannot be transposed; take the F32, F16 or BF16 file");
    }
    int bytes = plain.bytes();
    Tensor transposed = Tensor.allocate(arena, plain, tensor.cols(), tensor.rows());
    for (long row = 0; row < tensor.rows(); row++) {
      for (long col = 0; col < tensor.cols(); col++) {
        MemorySegment.copy(
            tensor.data(),
            (row * tensor.cols() + col) * bytes,
            transposed.data(),
            (col * tensor.rows() + row) * bytes,
            bytes);
      }
    }
    return transposed;
  }

  private static Tensor plus(float addend, Tensor tensor, Arena arena) {
    Tensor sum = Tensor.allocate(arena, Plain.F32, tensor.shape());
    float[] row = new float[Math.toIntExact(tensor.cols())];
    for (long r = 0; r < tensor.rows(); r++) {
      Layouts.decode(tensor, r, row);
      for (int i = 0; i < row.length; i++) {
        row[i] += addend;
      }
      MemorySegment.copy(
          row, 0, sum.data(), Tensor.FLOAT, r * row.length * Float.BYTES, row.length);
    }
    return sum;
  }
}
