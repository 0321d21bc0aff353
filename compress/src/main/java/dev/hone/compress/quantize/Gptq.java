package dev.hone.compress.quantize;

import dev.hone.compress.quantize.LaneProduct.Range;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;

/**
 * Rounds a layer's weights one column after the other, and lets the columns that are left make good
 * for what each rounding did to the layer's answers: Frantar et al., "GPTQ: Accurate Post-Training
 * Quantization for Generative Pre-trained Transformers", algorithm 1.
 *
 * <p>Rows know nothing of each other. Some strips of them go through the columns in lock step, so
 * that what a block of columns owes to those behind it is one product of matrices.
 */
final class Gptq {
  /** Columns after whose end what they owe is paid to the columns behind them, at once. */
  private static final int LAZY = 256;

  /** After which {@link Descent} finds little more. */
  private static final int SWEEPS = 3;

  /** Strips in lock step, at least: enough for products to be fast. */
  private static final int TOGETHER = 4;

  private static final int LANES = Strip.LANES;

  private final Rounding how;
  private final Integers out;
  private final float[] weights;
  private final Curvature curvature;
  private final int cols;
  private final int group;
  private final int span; // columns whose grids are found together
  private final int lazy;
  private final boolean onTheWay; // grids are found there

  private Gptq(Rounding how, Integers out, float[] weights, Curvature curvature) {
    this.how = how;
    this.out = out;
    this.weights = weights;
    this.curvature = curvature;
    this.cols = out.cols();
    this.group = out.group();
    // Grids that are found on the way need columns that have been paid all they are owed.
    this.span = group * out.grid().together();
    this.lazy = span >= cols ? Math.min(LAZY, cols) : span * Math.max(1, LAZY / span);
    this.onTheWay = !how.activationOrder() && span < cols;
  }

  /**
   * Rounds a matrix.
   *
   * @param weights [row, column]
   * @param curvature of the layer's error
   */
  static Integers round(
      float[] weights, int rows, Curvature curvature, Grid grid, Rounding how, Kernels kernels) {
    Integers out = Integers.room(grid, rows, weights.length / rows);
    Gptq gptq = new Gptq(how, out, weights, curvature);
    ComputePool pool = kernels.pool();
    int strips = (rows + LANES - 1) / LANES;
    if (curvature.lower() == null) {
      pool.run(strips, strip -> gptq.nearest(strip * LANES));
      return out;
    }
    int threads = pool.threads();
    int together = Math.min(strips, (TOGETHER + threads - 1) / threads * threads);
    Strip[] some = new Strip[together];
    Arrays.setAll(some, _ -> gptq.strip());
    float[][][] errors = new float[together][gptq.lazy][LANES];
    try (var product = new LaneProduct(kernels, together, Math.max(LAZY, gptq.lazy))) {
      for (int first = 0; first < strips; first += together) {
        int count = Math.min(together, strips - first);
        gptq.propagate(
            first * LANES, Arrays.copyOf(some, count), Arrays.copyOf(errors, count), product, pool);
      }
    }
    return out;
  }

  private Strip strip() {
    return new Strip(out, weights, curvature, how.refits());
  }

  /** Each weight by itself. */
  private void nearest(int first) {
    Strip strip = strip();
    strip.begin(first);
    strip.grids();
    for (int c = 0; c < cols; c++) {
      strip.round(c, strip.w()[c]);
    }
    strip.store();
  }

  /** Rounds some strips in lock step, one behind the other from a row on. */
  private void propagate(
      int first, Strip[] strips, float[][][] errors, LaneProduct product, ComputePool pool) {
    float[][][] w = Arrays.stream(strips).map(Strip::w).toArray(float[][][]::new);
    pool.run(
        strips.length,
        s -> {
          strips[s].begin(first + s * LANES);
          if (!onTheWay) {
            strips[s].grids();
          }
        });
    for (int from = 0; from < cols; from += lazy) {
      var block = new Range(from, Math.min(cols, from + lazy));
      pool.run(strips.length, s -> columns(strips[s], block, errors[s]));
      var behind = new Range(block.to(), cols);
      product.subtract(curvature.lower(), block, behind, errors, w, curvature.order());
    }
    if (how.refits()) {
      var descent = new Descent(strips, out, curvature.hessian(), LAZY, product, pool);
      for (int i = 0; i < SWEEPS; i++) {
        descent.sweep();
      }
    }
    pool.run(strips.length, s -> strips[s].store());
  }

  /** Rounds the columns of a lazy block and settles what they owe each other. */
  private void columns(Strip strip, Range block, float[][] errors) {
    for (int i = block.from(); i < block.to(); i++) {
      if (onTheWay && i % span == 0) {
        strip.grids(i);
      }
      float[] error = errors[i - block.from()];
      round(strip, i, error);
      for (int j = i + 1; j < block.to(); j++) {
        float u = curvature.lower()[j * cols + i];
        float[] w = strip.w()[curvature.order()[j]];
        for (int r = 0; r < LANES; r++) {
          w[r] -= u * error[r];
        }
      }
    }
  }

  /** Rounds one column, and tells its error. */
  private void round(Strip strip, int i, float[] error) {
    int column = curvature.order()[i];
    float[] w = strip.w()[column];
    strip.round(column, w);
    float[] q = strip.integers()[column];
    float[] scale = strip.scales()[column / group];
    float[] shift = strip.shifts()[column / group];
    float inverse = 1 / curvature.lower()[i * cols + i];
    for (int r = 0; r < LANES; r++) {
      error[r] = (w[r] - (scale[r] * q[r] + shift[r])) * inverse;
    }
  }
}
