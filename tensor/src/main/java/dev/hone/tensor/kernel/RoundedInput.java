package dev.hone.tensor.kernel;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A matrix whose products round their input, for a tier that has no product of integers for it: the
 * input is rounded, and multiplied as floats. A task rounds the rows it reads.
 */
public record RoundedInput(PackedMatrix matrix, Input input) implements PackedMatrix {

  /** The matrix itself where its products take their input as it comes. */
  public static PackedMatrix of(PackedMatrix matrix, Input input) {
    return input.equals(Input.FLOAT) ? matrix : new RoundedInput(matrix, input);
  }

  /** The matrix that a product reads. */
  public static PackedMatrix matrixOf(PackedMatrix weight) {
    return weight instanceof RoundedInput rounded ? rounded.matrix : weight;
  }

  /** To what a product's task rounds the rows it reads. */
  public static Input inputOf(PackedMatrix weight) {
    return weight instanceof RoundedInput rounded ? rounded.input : Input.FLOAT;
  }

  @Override
  public int rows() {
    return matrix.rows();
  }

  @Override
  public int cols() {
    return matrix.cols();
  }

  @Override
  public long packedBytes() {
    return matrix.packedBytes();
  }

  /** What a product reads in place of x: x itself, or all of it rounded. */
  public static Tensor round(Tensor x, Input input, Arena arena, ComputePool pool) {
    if (input.equals(Input.FLOAT)) {
      return x;
    }
    Tensor rounded = Tensor.allocate(arena, Plain.F32, x.rows(), x.cols());
    pool.run(
        (int) x.rows(),
        r -> {
          float[] row = x.row(r).toArray(Tensor.FLOAT);
          input.round(row);
          MemorySegment.copy(row, 0, rounded.row(r), Tensor.FLOAT, 0, row.length);
        });
    return rounded;
  }
}
