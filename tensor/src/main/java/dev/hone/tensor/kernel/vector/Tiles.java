package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static dev.hone.tensor.kernel.vector.Vectors.PANEL;

import jdk.incubator.vector.FloatVector;

/**
 * The inner product of everything: a few rows times one panel, {@code c[r, j] += Σk a[r, k] b[k,
 * j]}.
 *
 * <pre>
 *   a  [k / DEPTH][row][STRIDE]      b  [k][PANEL]      c  rows {@code PANEL} or more apart
 * </pre>
 *
 * Rows of {@code a} stand a constant apart: one index register then reaches six of them, where six
 * of their own made the compiler spill. The constant is no power of two, or rows would meet in the
 * same lines of the cache.
 *
 * <p>* Sums stay in registers: 5 rows by 2 vectors take 10 of the 16 that AVX2 has. (6 rows would
 * fit, but then the compiler, which loads early, runs out of registers in some of its moods.)
 * Operands are arrays on the heap, in which the compiler takes the bounds checks out of the loop;
 * callers copy what they multiply into scratch arrays that stay in cache. Each kernel is one method
 * body, so that no vector is ever boxed, and says what it does row by row.
 */
final class Tiles {
  /** Input features a block: with {@link Vectors#PANEL} columns it stays in the nearest caches. */
  static final int DEPTH = 384;

  /** Floats from one row of a block to the next. */
  static final int STRIDE = DEPTH + 16;

  private Tiles() {}

  /** Floats of an array that holds {@code rows} rows of {@code cols} features in blocks. */
  static int blocks(int rows, int cols) {
    return (cols + DEPTH - 1) / DEPTH * padded(rows) * STRIDE;
  }

  /**
   * All rows, by tiles of 5 and 4. {@link #padded} rows are read and written: the arrays must have
   * them.
   *
   * @param aAt where a block begins
   * @param depth at most {@link #DEPTH}
   */
  static void multiply(
      float[] a,
      int aAt,
      int rows,
      float[] b,
      int bAt,
      int depth,
      float[] c,
      int cAt,
      int cStride) {
    int end = padded(rows);
    int row = 0;
    while (row < end) {
      int at = aAt + row * STRIDE;
      int to = cAt + row * cStride;
      if ((end - row) % 5 != 0) {
        rows4(a, at, b, bAt, depth, c, to, cStride);
        row += 4;
      } else {
        rows5(a, at, b, bAt, depth, c, to, cStride);
        row += 5;
      }
    }
  }

  /** Rows that {@link #multiply} touches: the next sum of fives and fours. */
  static int padded(int rows) {
    return switch (rows) {
      case 1, 2, 3 -> 4;
      case 6, 7 -> 8;
      case 11 -> 12;
      default -> rows;
    };
  }

  private static void rows5(
      float[] a, int aAt, float[] b, int bAt, int depth, float[] c, int cAt, int cStride) {
    FloatVector c00 = FloatVector.fromArray(FLOATS, c, cAt);
    FloatVector c01 = FloatVector.fromArray(FLOATS, c, cAt + LANES);
    FloatVector c10 = FloatVector.fromArray(FLOATS, c, cAt + cStride);
    FloatVector c11 = FloatVector.fromArray(FLOATS, c, cAt + cStride + LANES);
    FloatVector c20 = FloatVector.fromArray(FLOATS, c, cAt + 2 * cStride);
    FloatVector c21 = FloatVector.fromArray(FLOATS, c, cAt + 2 * cStride + LANES);
    FloatVector c30 = FloatVector.fromArray(FLOATS, c, cAt + 3 * cStride);
    FloatVector c31 = FloatVector.fromArray(FLOATS, c, cAt + 3 * cStride + LANES);
    FloatVector c40 = FloatVector.fromArray(FLOATS, c, cAt + 4 * cStride);
    FloatVector c41 = FloatVector.fromArray(FLOATS, c, cAt + 4 * cStride + LANES);
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL);
      FloatVector b1 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL + LANES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[aAt + k]);
      c00 = x.fma(b0, c00);
      c01 = x.fma(b1, c01);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + STRIDE]);
      c10 = x.fma(b0, c10);
      c11 = x.fma(b1, c11);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + 2 * STRIDE]);
      c20 = x.fma(b0, c20);
      c21 = x.fma(b1, c21);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + 3 * STRIDE]);
      c30 = x.fma(b0, c30);
      c31 = x.fma(b1, c31);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + 4 * STRIDE]);
      c40 = x.fma(b0, c40);
      c41 = x.fma(b1, c41);
    }
    c00.intoArray(c, cAt);
    c01.intoArray(c, cAt + LANES);
    c10.intoArray(c, cAt + cStride);
    c11.intoArray(c, cAt + cStride + LANES);
    c20.intoArray(c, cAt + 2 * cStride);
    c21.intoArray(c, cAt + 2 * cStride + LANES);
    c30.intoArray(c, cAt + 3 * cStride);
    c31.intoArray(c, cAt + 3 * cStride + LANES);
    c40.intoArray(c, cAt + 4 * cStride);
    c41.intoArray(c, cAt + 4 * cStride + LANES);
  }

  private static void rows4(
      float[] a, int aAt, float[] b, int bAt, int depth, float[] c, int cAt, int cStride) {
    FloatVector c00 = FloatVector.fromArray(FLOATS, c, cAt);
    FloatVector c01 = FloatVector.fromArray(FLOATS, c, cAt + LANES);
    FloatVector c10 = FloatVector.fromArray(FLOATS, c, cAt + cStride);
    FloatVector c11 = FloatVector.fromArray(FLOATS, c, cAt + cStride + LANES);
    FloatVector c20 = FloatVector.fromArray(FLOATS, c, cAt + 2 * cStride);
    FloatVector c21 = FloatVector.fromArray(FLOATS, c, cAt + 2 * cStride + LANES);
    FloatVector c30 = FloatVector.fromArray(FLOATS, c, cAt + 3 * cStride);
    FloatVector c31 = FloatVector.fromArray(FLOATS, c, cAt + 3 * cStride + LANES);
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL);
      FloatVector b1 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL + LANES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[aAt + k]);
      c00 = x.fma(b0, c00);
      c01 = x.fma(b1, c01);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + STRIDE]);
      c10 = x.fma(b0, c10);
      c11 = x.fma(b1, c11);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + 2 * STRIDE]);
      c20 = x.fma(b0, c20);
      c21 = x.fma(b1, c21);
      x = FloatVector.broadcast(FLOATS, a[aAt + k + 3 * STRIDE]);
      c30 = x.fma(b0, c30);
      c31 = x.fma(b1, c31);
    }
    c00.intoArray(c, cAt);
    c01.intoArray(c, cAt + LANES);
    c10.intoArray(c, cAt + cStride);
    c11.intoArray(c, cAt + cStride + LANES);
    c20.intoArray(c, cAt + 2 * cStride);
    c21.intoArray(c, cAt + 2 * cStride + LANES);
    c30.intoArray(c, cAt + 3 * cStride);
    c31.intoArray(c, cAt + 3 * cStride + LANES);
  }
}
