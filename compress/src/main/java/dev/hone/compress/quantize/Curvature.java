package dev.hone.compress.quantize;

import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.InverseFactor;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * What a change of each input column's weight does to the squared error of layers that read the
 * same.
 *
 * @param importance of every column: the Hessian's diagonal, 1 on average
 * @param order in which columns are rounded
 * @param lower {@link InverseFactor} of the damped Hessian in that order, transposed, [n, n]; null
 *     where columns are rounded each by itself
 * @param hessian damped, [n, n] in the columns' own order, 1 on the diagonal on average; null
 *     likewise
 */
record Curvature(float[] importance, int[] order, float[] lower, float[] hessian) {
  /** Rows and columns that are transposed at once: they stay in a cache. */
  private static final int TILE = 32;

  /** A column that was never read costs nothing, yet gets a grid that suits it. */
  private static final double LEAST = 1e-6;

  /** Every column counts the same. */
  static Curvature flat(int columns) {
    float[] importance = new float[columns];
    Arrays.fill(importance, 1);
    return new Curvature(importance, IntStream.range(0, columns).toArray(), null, null);
  }

  static Curvature of(Gram gram, Rounding how, ComputePool pool) {
    int n = gram.size();
    double[] diagonal = gram.diagonal();
    double mean = Arrays.stream(diagonal).average().orElse(0);
    if (mean == 0) {
      return flat(n); // nothing but zeros was read
    }
    float[] importance = new float[n];
    for (int i = 0; i < n; i++) {
      importance[i] = (float) Math.max(diagonal[i] / mean, LEAST);
    }
    int[] order = order(importance, how);
    if (!how.propagates()) {
      return new Curvature(importance, order, null, null);
    }
    InverseFactor factor = InverseFactor.of(gram, order, how.damping(), pool);
    transpose(factor.upper(), n, pool);
    float[] hessian = hessian(gram, factor.damping(), pool);
    return new Curvature(importance, order, factor.upper(), hessian);
  }

  /** In its place. */
  private static void transpose(float[] a, int n, ComputePool pool) {
    pool.run(
        (n + TILE - 1) / TILE,
        tile -> {
          int first = tile * TILE;
          for (int from = 0; from <= first; from += TILE) {
            for (int i = first; i < Math.min(n, first + TILE); i++) {
              for (int j = from; j < Math.min(i, from + TILE); j++) {
                float above = a[j * n + i];
                a[j * n + i] = a[i * n + j];
                a[i * n + j] = above;
              }
            }
          }
        });
  }

  /** The damped Gram matrix, over the mean of its diagonal. */
  private static float[] hessian(Gram gram, double damping, ComputePool pool) {
    int n = gram.size();
    double[] diagonal = InverseFactor.dampedDiagonal(gram, damping);
    double mean = Arrays.stream(diagonal).average().orElse(0);
    float[] all = new float[n * n];
    pool.run(
        n,
        i -> {
          for (int j = 0; j < n; j++) {
            all[i * n + j] = (float) ((i == j ? diagonal[i] : gram.at(i, j)) / mean);
          }
        });
    return all;
  }

  private static int[] order(float[] importance, Rounding how) {
    IntStream columns = IntStream.range(0, importance.length);
    return how.activationOrder()
        ? columns
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -importance[i]))
            .mapToInt(i -> i)
            .toArray()
        : columns.toArray();
  }
}
