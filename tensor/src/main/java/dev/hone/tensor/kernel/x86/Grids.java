package dev.hone.tensor.kernel.x86;

/**
 * How the grids lie that rows were rounded to: a scale F32, then a zero I32 with its sign turned.
 */
final class Grids {
  static final int BYTES = 8;

  /** Where the zero lies. */
  static final int ZERO = 4;

  private Grids() {}
}
