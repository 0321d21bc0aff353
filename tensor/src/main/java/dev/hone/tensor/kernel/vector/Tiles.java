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
 *   a  row-major, rows {@code stride} apart      b  [k][PANEL]       c  rows {@code PANEL} or more apart
 * </pre>
 *
 * Sums stay in registers: 6 rows by 2 vectors take 12 of the 16 that AVX2 has. Operands are arrays
 * on the heap, in which the compiler takes the bounds checks out of the loop; callers copy what
 * they multiply into scratch arrays that stay in cache. Each kernel is one method body, so that no
 * vector is ever boxed, and says what it does row by row.
 */
final class Tiles {
  private Tiles() {}

  /**
   * All rows, by tiles of 6 and 4. Rows up to the next even number (and at least 4) are read and
   * written: the arrays must have them.
   */
  static void multiply(
      float[] a,
      int aAt,
      int stride,
      int rows,
      float[] b,
      int bAt,
      int depth,
      float[] c,
      int cAt,
      int cStride) {
    int left = padded(rows);
    int row = 0;
    while (left > 0) {
      int at = aAt + row * stride;
      int to = cAt + row * cStride;
      if (left == 4 || left == 8) {
        rows4(a, at, stride, b, bAt, depth, c, to, cStride);
        row += 4;
        left -= 4;
      } else {
        rows6(a, at, stride, b, bAt, depth, c, to, cStride);
        row += 6;
        left -= 6;
      }
    }
  }

  /** Rows that {@link #multiply} touches. */
  static int padded(int rows) {
    return Math.max(4, rows + (rows & 1));
  }

  private static void rows6(
      float[] a,
      int aAt,
      int stride,
      float[] b,
      int bAt,
      int depth,
      float[] c,
      int cAt,
      int cStride) {
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
    FloatVector c50 = FloatVector.fromArray(FLOATS, c, cAt + 5 * cStride);
    FloatVector c51 = FloatVector.fromArray(FLOATS, c, cAt + 5 * cStride + LANES);
    int a1 = aAt + stride;
    int a2 = aAt + 2 * stride;
    int a3 = aAt + 3 * stride;
    int a4 = aAt + 4 * stride;
    int a5 = aAt + 5 * stride;
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL);
      FloatVector b1 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL + LANES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[aAt + k]);
      c00 = x.fma(b0, c00);
      c01 = x.fma(b1, c01);
      x = FloatVector.broadcast(FLOATS, a[a1 + k]);
      c10 = x.fma(b0, c10);
      c11 = x.fma(b1, c11);
      x = FloatVector.broadcast(FLOATS, a[a2 + k]);
      c20 = x.fma(b0, c20);
      c21 = x.fma(b1, c21);
      x = FloatVector.broadcast(FLOATS, a[a3 + k]);
      c30 = x.fma(b0, c30);
      c31 = x.fma(b1, c31);
      x = FloatVector.broadcast(FLOATS, a[a4 + k]);
      c40 = x.fma(b0, c40);
      c41 = x.fma(b1, c41);
      x = FloatVector.broadcast(FLOATS, a[a5 + k]);
      c50 = x.fma(b0, c50);
      c51 = x.fma(b1, c51);
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
    c50.intoArray(c, cAt + 5 * cStride);
    c51.intoArray(c, cAt + 5 * cStride + LANES);
  }

  private static void rows4(
      float[] a,
      int aAt,
      int stride,
      float[] b,
      int bAt,
      int depth,
      float[] c,
      int cAt,
      int cStride) {
    FloatVector c00 = FloatVector.fromArray(FLOATS, c, cAt);
    FloatVector c01 = FloatVector.fromArray(FLOATS, c, cAt + LANES);
    FloatVector c10 = FloatVector.fromArray(FLOATS, c, cAt + cStride);
    FloatVector c11 = FloatVector.fromArray(FLOATS, c, cAt + cStride + LANES);
    FloatVector c20 = FloatVector.fromArray(FLOATS, c, cAt + 2 * cStride);
    FloatVector c21 = FloatVector.fromArray(FLOATS, c, cAt + 2 * cStride + LANES);
    FloatVector c30 = FloatVector.fromArray(FLOATS, c, cAt + 3 * cStride);
    FloatVector c31 = FloatVector.fromArray(FLOATS, c, cAt + 3 * cStride + LANES);
    int a1 = aAt + stride;
    int a2 = aAt + 2 * stride;
    int a3 = aAt + 3 * stride;
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL);
      FloatVector b1 = FloatVector.fromArray(FLOATS, b, bAt + k * PANEL + LANES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[aAt + k]);
      c00 = x.fma(b0, c00);
      c01 = x.fma(b1, c01);
      x = FloatVector.broadcast(FLOATS, a[a1 + k]);
      c10 = x.fma(b0, c10);
      c11 = x.fma(b1, c11);
      x = FloatVector.broadcast(FLOATS, a[a2 + k]);
      c20 = x.fma(b0, c20);
      c21 = x.fma(b1, c21);
      x = FloatVector.broadcast(FLOATS, a[a3 + k]);
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
