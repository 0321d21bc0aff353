package dev.hone.compress.calibrate;

import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;

/**
 * The upper triangle U with {@code H⁻¹ = Uᵀ U} of a symmetric positive definite H, which says by
 * how much the columns behind a weight make good for its rounding: Frantar et al., "GPTQ", section
 * 3.3. H⁻¹ itself is never made: counted from the last column on, H has a Cholesky factor whose
 * inverse is U.
 */
public final class InverseFactor {
  private static final int PANEL = 64;
  private static final int STRIP = 64;

  private InverseFactor() {}

  /**
   * U of what a layer read.
   *
   * @param order the column that stands at each place
   * @param damping added to the diagonal, as a share of its mean; a column that was never read
   *     stands for itself alone
   * @return [n, n] row-major, in that order; zeros below the diagonal
   * @throws ArithmeticException where more damping is needed
   */
  public static float[] of(Gram gram, int[] order, double damping, ComputePool pool) {
    return of(damped(gram, order, damping), gram.size(), pool);
  }

  /** The Gram matrix with its diagonal raised: [n, n] row-major. */
  public static double[] damped(Gram gram, int[] order, double damping) {
    int n = gram.size();
    double[] diagonal = dampedDiagonal(gram, damping);
    double[] hessian = gram.matrix(order);
    for (int i = 0; i < n; i++) {
      hessian[i * n + i] = diagonal[order[i]];
    }
    return hessian;
  }

  /** Its diagonal, raised, in the columns' own order. */
  public static double[] dampedDiagonal(Gram gram, double damping) {
    double[] diagonal = gram.diagonal();
    double mean = Arrays.stream(diagonal).average().orElse(0);
    return Arrays.stream(diagonal).map(own -> own == 0 ? mean : own + damping * mean).toArray();
  }

  /**
   * Computes U.
   *
   * @param h [n, n] row-major, both triangles; it is overwritten
   * @return [n, n] row-major; zeros below the diagonal
   * @throws ArithmeticException where H is not positive definite
   */
  public static float[] of(double[] h, int n, ComputePool pool) {
    double[] reversed = h;
    for (int i = 0, j = n * n - 1; i < j; i++, j--) { // both axes turned around
      double swap = reversed[i];
      reversed[i] = reversed[j];
      reversed[j] = swap;
    }
    cholesky(reversed, n, pool);
    return invertLower(reversed, n, pool);
  }

  /**
   * The lower triangle L with {@code A = L Lᵀ}, in the place of A's: a panel of columns at a time.
   */
  public static void cholesky(double[] a, int n, ComputePool pool) {
    double[] panel = new double[PANEL * n];
    for (int first = 0; first < n; first += PANEL) {
      int k0 = first;
      int k1 = Math.min(n, first + PANEL);
      diagonal(a, n, k0, k1);
      int below = n - k1;
      int chunks = (below + PANEL - 1) / PANEL;
      pool.run(
          chunks,
          chunk -> {
            int end = Math.min(n, k1 + (chunk + 1) * PANEL);
            for (int i = k1 + chunk * PANEL; i < end; i++) {
              solveRow(a, n, i, k0, k1);
              for (int k = k0; k < k1; k++) {
                panel[(k - k0) * n + i] = a[i * n + k];
              }
            }
          });
      pool.run(
          chunks,
          task -> {
            int chunk = chunks - 1 - task; // the longest rows first
            int end = Math.min(n, k1 + (chunk + 1) * PANEL);
            for (int i = k1 + chunk * PANEL; i < end; i++) {
              subtract(a, i * n + k1, i + 1 - k1, a, i * n + k0, panel, k1, n, k1 - k0);
            }
          });
    }
  }

  private static void diagonal(double[] a, int n, int k0, int k1) {
    for (int j = k0; j < k1; j++) {
      double sum = a[j * n + j];
      for (int k = k0; k < j; k++) {
        sum -= a[j * n + k] * a[j * n + k];
      }
      if (!(sum > 0)) {
        throw new ArithmeticException(
            "the Hessian is not positive definite: pivot "
                + j
                + " is "
                + sum
                + "; more damping or more texts");
      }
      double root = Math.sqrt(sum);
      a[j * n + j] = root;
      for (int i = j + 1; i < k1; i++) {
        double s = a[i * n + j];
        for (int k = k0; k < j; k++) {
          s -= a[i * n + k] * a[j * n + k];
        }
        a[i * n + j] = s / root;
      }
    }
  }

  private static void solveRow(double[] a, int n, int i, int k0, int k1) {
    for (int j = k0; j < k1; j++) {
      double s = a[i * n + j];
      for (int k = k0; k < j; k++) {
        s -= a[i * n + k] * a[j * n + k];
      }
      a[i * n + j] = s / a[j * n + j];
    }
  }

  /** {@code y[..count] -= Σk x[k] rows[k][..count]}: four rows in a pass. */
  private static void subtract(
      double[] y,
      int yAt,
      int count,
      double[] x,
      int xAt,
      double[] rows,
      int rowAt,
      int stride,
      int terms) {
    int k = 0;
    for (; k + 4 <= terms; k += 4) {
      double x0 = x[xAt + k];
      double x1 = x[xAt + k + 1];
      double x2 = x[xAt + k + 2];
      double x3 = x[xAt + k + 3];
      int r0 = rowAt + k * stride;
      int r1 = r0 + stride;
      int r2 = r1 + stride;
      int r3 = r2 + stride;
      for (int j = 0; j < count; j++) {
        y[yAt + j] -= x0 * rows[r0 + j] + x1 * rows[r1 + j] + x2 * rows[r2 + j] + x3 * rows[r3 + j];
      }
    }
    for (; k < terms; k++) {
      double x0 = x[xAt + k];
      int r0 = rowAt + k * stride;
      for (int j = 0; j < count; j++) {
        y[yAt + j] -= x0 * rows[r0 + j];
      }
    }
  }

  /** L⁻¹ with both axes turned around, a strip of columns on each thread. */
  private static float[] invertLower(double[] l, int n, ComputePool pool) {
    float[] inverse = new float[n * n];
    int strips = (n + STRIP - 1) / STRIP;
    pool.run(
        strips,
        strip -> {
          int from = strip * STRIP;
          int width = Math.min(STRIP, n - from);
          double[] local = new double[(n - from) * STRIP];
          for (int i = from; i < n; i++) {
            int at = (i - from) * STRIP;
            if (i < from + width) {
              local[at + i - from] = 1;
            }
            subtract(local, at, STRIP, l, i * n + from, local, 0, STRIP, i - from);
            double pivot = 1 / l[i * n + i];
            for (int j = 0; j < width; j++) {
              local[at + j] *= pivot;
              inverse[(n - 1 - i) * n + n - 1 - from - j] = (float) local[at + j];
            }
          }
        });
    return inverse;
  }
}
