package dev.hone.compress.quantize;

import dev.hone.tensor.ColumnFactors;
import java.util.List;

/**
 * Factors with which the columns of an input share one grid of 255 steps, and the rows of the
 * weights that read it one of 127 each, so that both together lose least. A column that is read
 * divided by f, its weights multiplied by f, uses {@code span / f} of the grid: f as large as what
 * it reaches uses it all, a larger one leaves weights more of theirs. The idea is that of Xiao et
 * al., "SmoothQuant", section 4; the choice is ours.
 *
 * <p>With steps s of the input and t of each row of the weights W, whose errors are spread evenly,
 * answers lose {@code s²/12 Σ f² |W_column|² + Σ t²/12 Σ x²/f²}: the first sum over columns, the
 * others over rows and columns. It is least where f⁴ is {@code x² Σ t² / (s² |W_column|²)}, or f is
 * all that the column reaches, whichever is more; as t is what the largest f makes it, f is found
 * step by step.
 */
final class ColumnBalance {
  private static final int ROUNDS = 24;
  private static final double INPUT_STEPS = 255;
  private static final double WEIGHT_STEPS = 127;

  private final float[] spans;
  private final double[] powers;
  private final List<float[]> readers;
  private final double[] norms; // of every column's weights, squared
  private final double most; // a column reaches
  private double rowSteps; // the sum of their squares

  private ColumnBalance(float[] spans, double[] powers, List<float[]> readers) {
    this.spans = spans;
    this.powers = powers;
    this.readers = readers;
    this.norms = new double[spans.length];
    for (float[] weights : readers) {
      for (int i = 0; i < weights.length; i++) {
        norms[i % spans.length] += weights[i] * weights[i];
      }
    }
    double largest = 0;
    for (float span : spans) {
      largest = Math.max(largest, span);
    }
    this.most = largest;
  }

  /**
   * The factors; none where nothing but zeros was read.
   *
   * @param spans how far each column reaches from zero
   * @param powers the mean of each column's squares
   * @param readers the weights that read it, [row, column]
   */
  static ColumnFactors of(float[] spans, double[] powers, List<float[]> readers) {
    var balance = new ColumnBalance(spans, powers, readers);
    return balance.most < Float.MIN_NORMAL ? ColumnFactors.NONE : balance.factors();
  }

  private ColumnFactors factors() {
    double[] f = new double[spans.length];
    for (int c = 0; c < f.length; c++) {
      f[c] = least(c);
    }
    double best = Double.MAX_VALUE;
    float[] factors = new float[f.length];
    for (int round = 0; round < ROUNDS; round++) {
      double loss = loss(f);
      if (loss < best) {
        best = loss;
        for (int c = 0; c < f.length; c++) {
          factors[c] = (float) (1 / f[c]);
        }
      }
      for (int c = 0; c < f.length; c++) {
        f[c] = Math.clamp(Math.sqrt(f[c] * balanced(c)), least(c), most);
      }
    }
    return ColumnFactors.of(factors);
  }

  /** A column that was never read is as good as one that reaches as far as any. */
  private double least(int column) {
    return spans[column] < Float.MIN_NORMAL ? most : spans[column];
  }

  private double balanced(int column) {
    double step = 1 / INPUT_STEPS; // the column that uses the grid whole ends at 1
    double cost = step * step * norms[column];
    return cost == 0 ? most : Math.pow(powers[column] * rowSteps / cost, 0.25);
  }

  private double loss(double[] f) {
    int columns = f.length;
    rowSteps = 0;
    for (float[] weights : readers) {
      for (int row = 0; row < weights.length; row += columns) {
        double largest = 0;
        for (int c = 0; c < columns; c++) {
          largest = Math.max(largest, Math.abs(weights[row + c]) * f[c]);
        }
        double step = largest / WEIGHT_STEPS;
        rowSteps += step * step;
      }
    }
    double ofInput = 0;
    double ofWeights = 0;
    for (int c = 0; c < columns; c++) {
      ofInput += f[c] * f[c] * norms[c];
      ofWeights += powers[c] / (f[c] * f[c]);
    }
    return ofInput / (INPUT_STEPS * INPUT_STEPS) + rowSteps * ofWeights;
  }
}
