package dev.hone.tensor.kernel.vector;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The vector widths of this process. Every file of these kernels is in little-endian order. */
final class Vectors {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** As many shorts as floats fit a vector. */
  static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED.withShape(narrow(2));

  /**
   * As many bytes as floats fit a vector; twice as many at 128 bits, there being no 32-bit vector.
   */
  static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_PREFERRED.withShape(narrow(4));

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** Floats in a vector. */
  static final int LANES = FLOATS.length();

  /** Columns of a panel of weights: two vectors. */
  static final int PANEL = 2 * LANES;

  private Vectors() {}

  private static VectorShape narrow(int factor) {
    return VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / factor));
  }
}
