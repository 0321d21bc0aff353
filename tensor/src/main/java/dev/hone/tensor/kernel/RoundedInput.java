package dev.hone.tensor.kernel;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A matrix whose products round their input, for a tier that has no product of integers for it: the
 * input is rounded, and multiplied as floats.
 */
public record RoundedInput(PackedMatrix matrix, Input input) implements PackedMatrix {

  /** The matrix itself where its products take their input as it comes. */
  public static PackedMatrix of(PackedMatrix matrix, Input input) {
    return input.equals(Input.FLOAT) ? matrix : new RoundedInput(matrix, input);
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

  /** What the product reads in place of x. */
  public Tensor round(Tensor x, ComputePool pool) {
    return of(x, input, pool);
  }

  /** What a product reads in place of x. */
  public static Tensor of(Tensor x, Input input, ComputePool pool) {
    if (input.equals(Input.FLOAT)) {
      return x;
    }
    Tensor rounded = Tensor.allocate(Arena.ofAuto(), Plain.F32, x.rows(), x.cols());
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
