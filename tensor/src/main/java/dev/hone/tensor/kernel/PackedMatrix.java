package dev.hone.tensor.kernel;

/** A weight matrix in the order in which one tier of kernels reads it, or as the file has it. */
public interface PackedMatrix {
  /** Output features. */
  int rows();

  /** Input features. */
  int cols();

  /**
   * Bytes that the packed copy takes beside the tensor it was made from; 0 where that is used as it
   * is.
   */
  long packedBytes();

  /** Whether its zeros are left out, and products with it do not read them. */
  default boolean sparse() {
    return false;
  }

  /** What products with it multiply; they round their input to it. */
  default Arithmetic arithmetic() {
    return Arithmetic.F32;
  }
}
