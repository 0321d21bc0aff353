package dev.hone.compress.prune;

import dev.hone.compress.calibrate.Cholesky;
import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.calibrate.InverseFactor;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Lets the columns of a layer that stay make good for those that go: the weights whose answers are
 * nearest to those of before, by least squares over what the layer read. Where it has a bias, that
 * takes on the mean of what goes, and the rest is about what is left of it.
 */
final class Reconstruction {
  /** Steps in which units are ordered: neurons go a few at a time. */
  private static final int STEPS = 96;

  /** Of a sum of products in F32. */
  private static final double ROUNDING = 1e-5;

  private final Part part;
  private final int n;
  private final int out;
  private final float[] weights; // [out, n]
  private final double[] means;
  private final double[] covariance; // [n, n], of one token; about the means where there is a bias
  private final double unit; // of damping
  private final double damping;
  private final ComputePool pool;

  /**
   * Prepares.
   *
   * @param gram what the part's reader read
   * @param damping added to the diagonal, as a share of its mean: draws weights to what they were
   */
  Reconstruction(Part part, Gram gram, double damping, ComputePool pool) {
    this.part = part;
    this.n = part.reader().in();
    this.out = part.reader().out();
    this.weights = Layouts.floats(part.reader().weight().tensor());
    this.means = part.reader().bias() == null ? new double[n] : gram.means();
    this.covariance = gram.matrix();
    this.pool = pool;
    pool.run(
        n,
        i -> {
          for (int j = 0; j < n; j++) {
            covariance[i * n + j] = covariance[i * n + j] / gram.tokens() - means[i] * means[j];
          }
        });
    this.damping = damping;
    this.unit = unit(gram);
  }

  /**
   * The mean of the diagonal. Where all tokens are alike, that is what rounding has left of the
   * difference of larger numbers; where nothing but zeros was read, any weights do.
   */
  private double unit(Gram gram) {
    double mean = IntStream.range(0, n).mapToDouble(i -> covariance[i * n + i]).average().orElse(0);
    double moment = Arrays.stream(gram.diagonal()).average().orElse(0) / gram.tokens();
    return moment == 0 ? 1 : Math.max(mean, ROUNDING * moment);
  }

  /** The smaller layer. */
  record Made(float[] weights, float[] bias) {}

  /**
   * The reader that reads only some units.
   *
   * @param kept units that stay
   */
  Made of(int[] kept) {
    int[] stay = part.columns(kept);
    boolean[] staying = new boolean[n];
    Arrays.stream(stay).forEach(c -> staying[c] = true);
    int[] gone = IntStream.range(0, n).filter(c -> !staying[c]).toArray();
    int k = stay.length;
    double[] factor =
        Cholesky.of(
                part.reader().name(),
                k,
                damping,
                share -> (i, j) -> damped(stay[i], stay[j], share),
                pool)
            .lower();
    double[] turned = transposed(factor, k);
    float[] made = new float[out * k];
    float[] shift = new float[out];
    pool.run(
        out,
        row -> {
          double[] right = new double[k];
          for (int g : gone) {
            double w = weights[row * n + g];
            for (int i = 0; w != 0 && i < k; i++) {
              right[i] += w * covariance[g * n + stay[i]];
            }
          }
          solve(factor, turned, right, k);
          double bias = 0;
          for (int g : gone) {
            bias += weights[row * n + g] * means[g];
          }
          for (int i = 0; i < k; i++) {
            made[row * k + i] = (float) (weights[row * n + stay[i]] + right[i]);
            bias -= right[i] * means[stay[i]];
          }
          shift[row] = (float) bias;
        });
    return new Made(made, part.reader().bias() == null ? null : shifted(shift));
  }

  private double damped(int i, int j, double share) {
    return covariance[i * n + j] + (i == j ? share * unit : 0);
  }

  private float[] shifted(float[] shift) {
    float[] bias = part.reader().bias().tensor().toArray();
    for (int i = 0; i < out; i++) {
      bias[i] += shift[i];
    }
    return bias;
  }

  private static double[] transposed(double[] lower, int n) {
    double[] t = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        t[j * n + i] = lower[Cholesky.row(i) + j];
      }
    }
    return t;
  }

  /** {@code L Lᵀ x = right}, in its place. */
  private static void solve(double[] lower, double[] upper, double[] right, int n) {
    for (int i = 0; i < n; i++) {
      int row = Cholesky.row(i);
      double sum = right[i];
      for (int j = 0; j < i; j++) {
        sum -= lower[row + j] * right[j];
      }
      right[i] = sum / lower[row + i];
    }
    for (int i = n - 1; i >= 0; i--) {
      double sum = right[i];
      for (int j = i + 1; j < n; j++) {
        sum -= upper[i * n + j] * right[j];
      }
      right[i] = sum / upper[i * n + i];
    }
  }

  /** The power of what every unit adds to the answers: the trace of {@code W C Wᵀ} of its own. */
  double[] powers() {
    int b = part.width();
    double[] powers = new double[part.units()];
    pool.run(
        powers.length,
        u -> {
          for (int row = 0; row < out; row++) {
            for (int i = u * b; i < (u + 1) * b; i++) {
              double sum = 0;
              for (int j = u * b; j < (u + 1) * b; j++) {
                sum += weights[row * n + j] * covariance[i * n + j];
              }
              powers[u] += weights[row * n + i] * sum;
            }
          }
        });
    return powers;
  }

  /** The power of all answers. */
  double power() {
    double[] powers = new double[out];
    pool.run(
        out,
        row -> {
          for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
              sum += weights[row * n + j] * covariance[i * n + j];
            }
            powers[row] += weights[row * n + i] * sum;
          }
        });
    return Arrays.stream(powers).sum();
  }

  /** Which units go next, where those that stay make good for those that went. */
  Order order() {
    int b = part.width();
    int units = part.units();
    double[] inverse = inverse();
    double[] w = new double[weights.length];
    Arrays.setAll(w, i -> weights[i]);
    double all = power();
    boolean[] gone = new boolean[units];
    int[] order = new int[units];
    double[] costs = new double[units];
    int atOnce = Math.max(1, units / STEPS);
    for (int done = 0; done < units; ) {
      int count = Math.min(atOnce, units - done);
      int[] least = least(count, gone, b == 1 ? costs(inverse, w) : costs(b, gone, inverse, w));
      int[] columns = part.columns(least);
      double[] small = inverted(inverse, columns);
      double cost = cost(columns, small, w);
      for (int u : least) {
        order[done] = u;
        costs[done++] = all == 0 ? 0 : cost / count / all;
        gone[u] = true;
      }
      remove(columns, small, inverse, w);
    }
    return new Order(order, costs);
  }

  private static int[] least(int count, boolean[] gone, double[] costs) {
    return IntStream.range(0, costs.length)
        .filter(u -> !gone[u])
        .boxed()
        .sorted(Comparator.comparingDouble(u -> costs[u]))
        .limit(count)
        .mapToInt(u -> u)
        .toArray();
  }

  /** Of units that are single columns: {@code |w|² / H⁻¹}. */
  private double[] costs(double[] inverse, double[] w) {
    double[] costs = new double[n];
    for (int row = 0; row < out; row++) {
      for (int c = 0; c < n; c++) {
        costs[c] += w[row * n + c] * w[row * n + c];
      }
    }
    for (int c = 0; c < n; c++) {
      costs[c] /= inverse[c * n + c];
    }
    return costs;
  }

  private double[] costs(int b, boolean[] gone, double[] inverse, double[] w) {
    double[] costs = new double[gone.length];
    pool.run(
        gone.length,
        u -> {
          int[] columns = IntStream.range(u * b, (u + 1) * b).toArray();
          costs[u] = gone[u] ? 0 : cost(columns, inverted(inverse, columns), w);
        });
    return costs;
  }

  private double[] inverse() {
    float[] upper =
        InverseFactor.of(
                part.reader().name(), n, damping, share -> (i, j) -> damped(i, j, share), pool)
            .upper();
    double[] inverse = new double[n * n];
    pool.run(
        n,
        i -> {
          for (int k = 0; k <= i; k++) {
            double u = upper[k * n + i];
            for (int j = k; j < n; j++) {
              inverse[i * n + j] += u * upper[k * n + j];
            }
          }
        });
    return inverse;
  }

  /** The trace of {@code W_u (H⁻¹_uu)⁻¹ W_uᵀ}. */
  private double cost(int[] columns, double[] small, double[] w) {
    int b = columns.length;
    double cost = 0;
    for (int row = 0; row < out; row++) {
      for (int i = 0; i < b; i++) {
        double sum = 0;
        for (int j = 0; j < b; j++) {
          sum += small[i * b + j] * w[row * n + columns[j]];
        }
        cost += sum * w[row * n + columns[i]];
      }
    }
    return cost;
  }

  /** Takes columns out of the weights and of the inverse. */
  private void remove(int[] columns, double[] small, double[] inverse, double[] w) {
    int b = columns.length;
    double[] rows = new double[b * n]; // (H⁻¹_uu)⁻¹ H⁻¹_u,:
    for (int i = 0; i < b; i++) {
      for (int k = 0; k < b; k++) {
        for (int j = 0; j < n; j++) {
          rows[i * n + j] += small[i * b + k] * inverse[columns[k] * n + j];
        }
      }
    }
    pool.run(out, row -> subtract(w, row * n, rows, columns));
    pool.run(n, row -> subtract(inverse, row * n, rows, columns));
    for (int column : columns) {
      Arrays.fill(inverse, column * n, (column + 1) * n, 0);
    }
  }

  private void subtract(double[] a, int from, double[] rows, int[] columns) {
    double[] factors = new double[columns.length];
    Arrays.setAll(factors, i -> a[from + columns[i]]);
    for (int i = 0; i < columns.length; i++) {
      for (int j = 0; j < n; j++) {
        a[from + j] -= factors[i] * rows[i * n + j];
      }
    }
    for (int column : columns) {
      a[from + column] = 0;
    }
  }

  /** The inverse of the part of a matrix that stands in some rows and columns. */
  private double[] inverted(double[] matrix, int[] columns) {
    int b = columns.length;
    double[] a = new double[b * b];
    double[] inverse = new double[b * b];
    for (int i = 0; i < b; i++) {
      for (int j = 0; j < b; j++) {
        a[i * b + j] = matrix[columns[i] * n + columns[j]];
      }
      inverse[i * b + i] = 1;
    }
    for (int c = 0; c < b; c++) { // positive definite: no pivots are looked for
      double pivot = 1 / a[c * b + c];
      for (int j = 0; j < b; j++) {
        a[c * b + j] *= pivot;
        inverse[c * b + j] *= pivot;
      }
      for (int i = 0; i < b; i++) {
        double factor = a[i * b + c];
        for (int j = 0; i != c && j < b; j++) {
          a[i * b + j] -= factor * a[c * b + j];
          inverse[i * b + j] -= factor * inverse[c * b + j];
        }
      }
    }
    return inverse;
  }
}
