package dev.hone.compress.calibrate;

import dev.hone.tensor.parallel.ComputePool;
import java.util.function.DoubleFunction;

/**
 * The lower triangle L with {@code A + damping = L Lᵀ} of a symmetric A. Where there is none, more
 * damping is tried, as Frantar et al., "GPTQ", section 3.3 have it, and the log says so.
 *
 * @param lower its rows one after the other, each up to the diagonal
 * @param damping that sufficed, as a share of the diagonal's mean
 */
public record Cholesky(double[] lower, double damping) {
  private static final int PANEL = 64;

  /** Columns of a panel's rows that stay in a cache while rows are subtracted. */
  private static final int TILE = 256;

  /** By how much more is tried. */
  private static final double RAISED = 10;

  /** What is tried where none was asked for. */
  private static final double LEAST = 1e-4;

  /** Beyond it no finite sums of products lack a factor. */
  private static final double MOST = 1e7;

  /** A symmetric matrix. */
  @FunctionalInterface
  public interface Symmetric {
    /** A number at or below the diagonal. */
    double at(int row, int column);
  }

  /**
   * Computes L.
   *
   * @param layer whose inputs' products these are
   * @param damping to begin with
   * @param damped the matrix, [n, n], with a damping
   * @throws ArithmeticException where none suffices
   */
  public static Cholesky of(
      String layer, int n, double damping, DoubleFunction<Symmetric> damped, ComputePool pool) {
    for (double tried = damping; tried <= MOST; tried = Math.max(LEAST, RAISED * tried)) {
      Symmetric matrix = damped.apply(tried);
      double[] a = new double[row(n)];
      pool.run(
          n,
          i -> {
            for (int j = 0; j <= i; j++) {
              a[row(i) + j] = matrix.at(i, j);
            }
          });
      if (factor(a, n, pool)) {
        if (tried > damping) {
          String raised = layer + ": its Hessian has no factor with damping " + damping;
          System.getLogger("dev.hone")
              .log(System.Logger.Level.WARNING, raised + "; took " + (float) tried);
        }
        return new Cholesky(a, tried);
      }
    }
    throw new ArithmeticException(layer + ": the Hessian is not positive definite, however damped");
  }

  /** Where a row of a lower triangle begins. */
  public static int row(int row) {
    return Math.toIntExact((long) row * (row + 1) / 2);
  }

  /** Puts L in the place of A, a panel of columns at a time; whether there is one. */
  private static boolean factor(double[] a, int n, ComputePool pool) {
    double[][] panel = new double[PANEL][n];
    for (int first = 0; first < n; first += PANEL) {
      int k0 = first;
      int k1 = Math.min(n, first + PANEL);
      if (!diagonal(a, k0, k1)) {
        return false;
      }
      int below = n - k1;
      int chunks = (below + PANEL - 1) / PANEL;
      pool.run(
          chunks,
          chunk -> {
            int end = Math.min(n, k1 + (chunk + 1) * PANEL);
            for (int i = k1 + chunk * PANEL; i < end; i++) {
              solveRow(a, i, k0, k1);
              for (int k = k0; k < k1; k++) {
                panel[k - k0][i] = a[row(i) + k];
              }
            }
          });
      pool.run(
          chunks,
          task -> {
            int chunk = chunks - 1 - task; // the longest rows first
            int end = Math.min(n, k1 + (chunk + 1) * PANEL);
            subtract(a, k1 + chunk * PANEL, end, k0, k1, panel);
          });
    }
    return true;
  }

  private static boolean diagonal(double[] a, int k0, int k1) {
    for (int j = k0; j < k1; j++) {
      int at = row(j);
      double sum = a[at + j];
      for (int k = k0; k < j; k++) {
        sum -= a[at + k] * a[at + k];
      }
      if (!(sum > 0)) {
        return false;
      }
      double root = Math.sqrt(sum);
      a[at + j] = root;
      for (int i = j + 1; i < k1; i++) {
        int own = row(i);
        double s = a[own + j];
        for (int k = k0; k < j; k++) {
          s -= a[own + k] * a[at + k];
        }
        a[own + j] = s / root;
      }
    }
    return true;
  }

  private static void solveRow(double[] a, int i, int k0, int k1) {
    int own = row(i);
    for (int j = k0; j < k1; j++) {
      int at = row(j);
      double s = a[own + j];
      for (int k = k0; k < j; k++) {
        s -= a[own + k] * a[at + k];
      }
      a[own + j] = s / a[at + j];
    }
  }

  /** Takes the products with the panel of columns k0 to k1 away from all behind it in some rows. */
  private static void subtract(double[] a, int first, int end, int k0, int k1, double[][] panel) {
    double[][] part = new double[k1 - k0][TILE];
    double[] y = new double[TILE];
    for (int from = k1; from < end; from += TILE) {
      int width = Math.min(TILE, end - from);
      for (int k = 0; k < part.length; k++) {
        System.arraycopy(panel[k], from, part[k], 0, width);
      }
      for (int i = Math.max(from, first); i < end; i++) {
        int count = Math.min(TILE, i + 1 - from);
        System.arraycopy(a, row(i) + from, y, 0, count);
        subtract(y, count, a, row(i) + k0, part, 0, k1 - k0);
        System.arraycopy(y, 0, a, row(i) + from, count);
      }
    }
  }

  /**
   * {@code y[..count] -= Σk x[xAt + k] rows[first + k][..count]}: four rows in a pass. All arrays
   * are read at the same index: of such loops the JIT compiler makes vectors.
   */
  static void subtract(
      double[] y, int count, double[] x, int xAt, double[][] rows, int first, int terms) {
    int k = 0;
    for (; k + 4 <= terms; k += 4) {
      double x0 = x[xAt + k];
      double x1 = x[xAt + k + 1];
      double x2 = x[xAt + k + 2];
      double x3 = x[xAt + k + 3];
      double[] r0 = rows[first + k];
      double[] r1 = rows[first + k + 1];
      double[] r2 = rows[first + k + 2];
      double[] r3 = rows[first + k + 3];
      for (int j = 0; j < count; j++) {
        y[j] -= x0 * r0[j] + x1 * r1[j] + x2 * r2[j] + x3 * r3[j];
      }
    }
    for (; k < terms; k++) {
      double x0 = x[xAt + k];
      double[] r0 = rows[first + k];
      for (int j = 0; j < count; j++) {
        y[j] -= x0 * r0[j];
      }
    }
  }
}
