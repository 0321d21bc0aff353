package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How the grids lie that rows were rounded to: a scale F32, then a zero I32 with its sign turned.
 */
final class Grids {
  static final int BYTES = 8;

  /** Where the zero lies. */
  static final int ZERO = 4;

  private Grids() {}

  /** Puts a grid in the place of the first row's. */
  static void set(MemorySegment grids, StaticInt8 grid) {
    grids.set(Tensor.FLOAT, 0, grid.scale());
    grids.set(ValueLayout.JAVA_INT_UNALIGNED, ZERO, -grid.zero());
  }
}
