package dev.hone.compress.calibrate;

import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.function.DoubleFunction;

/**
 * The upper triangle U with {@code H⁻¹ = Uᵀ U} of a symmetric positive definite H, which says by
 * how much the columns behind a weight make good for its rounding: Frantar et al., "GPTQ", section
 * 3.3. H⁻¹ itself is never made: counted from the last column on, H has a Cholesky factor whose
 * inverse is U.
 *
 * @param upper [n, n] row-major; zeros below the diagonal
 * @param damping with which H has a factor, as a share of its diagonal's mean
 */
public record InverseFactor(float[] upper, double damping) {
  /** Columns that a thread takes. */
  private static final int STRIP = 256;

  /** Rows whose products with others are made while they stay in a cache. */
  private static final int BLOCK = 64;

  /**
   * U of what a layer read.
   *
   * @param order the column that stands at each place
   * @param damping to begin with; a column that was never read stands for itself alone
   */
  public static InverseFactor of(Gram gram, int[] order, double damping, ComputePool pool) {
    return of(
        gram.layer(),
        gram.size(),
        damping,
        share -> {
          double[] diagonal = dampedDiagonal(gram, share);
          return (i, j) -> i == j ? diagonal[order[i]] : gram.at(order[i], order[j]);
        },
        pool);
  }

  /** The diagonal, raised by a share of its mean, in the columns' own order. */
  public static double[] dampedDiagonal(Gram gram, double damping) {
    double[] diagonal = gram.diagonal();
    double mean = Arrays.stream(diagonal).average().orElse(0);
    return Arrays.stream(diagonal).map(own -> own == 0 ? mean : own + damping * mean).toArray();
  }

  /** U of any matrix: parameters as of {@link Cholesky#of}. */
  public static InverseFactor of(
      String layer,
      int n,
      double damping,
      DoubleFunction<Cholesky.Symmetric> damped,
      ComputePool pool) {
    Cholesky turned =
        Cholesky.of(
            layer,
            n,
            damping,
            share -> {
              Cholesky.Symmetric h = damped.apply(share);
              return (i, j) -> h.at(n - 1 - j, n - 1 - i);
            },
            pool);
    return new InverseFactor(invertLower(turned.lower(), n, pool), turned.damping());
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
          double[][] local = new double[n - from][STRIP];
          for (int first = from; first < n; first += BLOCK) {
            int end = Math.min(n, first + BLOCK);
            for (int k = from; k < first; k += BLOCK) {
              for (int i = first; i < end; i++) {
                Cholesky.subtract(
                    local[i - from], STRIP, l, Cholesky.row(i) + k, local, k - from, BLOCK);
              }
            }
            for (int i = first; i < end; i++) {
              double[] own = local[i - from];
              if (i < from + width) {
                own[i - from] = 1;
              }
              int row = Cholesky.row(i);
              Cholesky.subtract(own, STRIP, l, row + first, local, first - from, i - first);
              double pivot = 1 / l[row + i];
              for (int j = 0; j < width; j++) {
                own[j] *= pivot;
                inverse[(n - 1 - i) * n + n - 1 - from - j] = (float) own[j];
              }
            }
          }
        });
    return inverse;
  }
}
