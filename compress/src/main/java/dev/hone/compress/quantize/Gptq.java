package dev.hone.compress.quantize;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;

/**
 * Rounds a layer's weights one column after the other, and lets the columns that are left make good
 * for what each rounding did to the layer's answers: Frantar et al., "GPTQ: Accurate Post-Training
 * Quantization for Generative Pre-trained Transformers", algorithm 1.
 *
 * <p>Rows know nothing of each other. Strips of {@link GridFit#LANES} rows stand transposed, a
 * column's lanes side by side, so that every step is a loop over lanes.
 */
final class Gptq {
  /** Columns after whose end what they owe is paid to the columns behind them, in one sweep. */
  private static final int LAZY = 128;

  /** After which {@link Descent} finds little more. */
  private static final int SWEEPS = 3;

  private static final int LANES = GridFit.LANES;

  private final Rounding how;
  private final Integers out;
  private final float[] weights;
  private final Curvature curvature;

  private Gptq(Rounding how, Integers out, float[] weights, Curvature curvature) {
    this.how = how;
    this.out = out;
    this.weights = weights;
    this.curvature = curvature;
  }

  /**
   * Rounds a matrix.
   *
   * @param weights [row, column]
   * @param curvature of the layer's error
   */
  static Integers round(
      float[] weights, int rows, Curvature curvature, Grid grid, Rounding how, ComputePool pool) {
    Integers out = Integers.room(grid, rows, weights.length / rows);
    Gptq gptq = new Gptq(how, out, weights, curvature);
    pool.run((rows + LANES - 1) / LANES, strip -> gptq.new Strip(strip * LANES).round());
    return out;
  }

  /** Some rows, from their weights to their integers. */
  private final class Strip {
    private final int first;
    private final int rows;
    private final int cols = out.cols();
    private final int group = out.group();
    private final int span; // columns whose grids are found together
    private final GridFit fit = new GridFit(out.grid());
    private final float[] w = new float[cols * LANES]; // [column, lane], in the columns' own order
    private final float[] scales = new float[out.groups() * LANES];
    private final float[] shifts = new float[out.groups() * LANES];
    private final float[] scale = new float[LANES];
    private final float[] shift = new float[LANES];
    private final float[] integers = new float[cols * LANES]; // [column, lane]
    private final float[] errors;
    private final int lazy;
    private final int[] order = curvature.order();
    private final float[] upper = curvature.upper();
    private final boolean propagates = upper != null;

    Strip(int first) {
      this.first = first;
      this.rows = Math.min(LANES, out.rows() - first);
      // Grids that are found on the way need columns that have been paid all they are owed.
      this.span = group * out.grid().together();
      this.lazy = span >= cols ? Math.min(LAZY, cols) : span * Math.max(1, LAZY / span);
      this.errors = new float[lazy * LANES];
      read(w);
    }

    void round() {
      boolean onTheWay = propagates && !how.activationOrder() && span < cols;
      if (!onTheWay) {
        for (int from = 0; from < cols; from += span) {
          grids(from);
        }
      }
      for (int from = 0; from < cols; from += lazy) {
        int to = Math.min(cols, from + lazy);
        for (int i = from; i < to; i++) {
          if (onTheWay && i % span == 0) {
            grids(i);
          }
          column(i, from, to);
        }
        if (propagates) {
          pay(from, to);
        }
      }
      if (propagates && how.refits()) {
        descend();
      }
      store();
    }

    /** Lets integers and grids find a better place together. */
    private void descend() {
      read(w);
      var descent =
          new Descent(out.grid(), fit, w, integers, scales, shifts, curvature.hessian(), group);
      for (int i = 0; i < SWEEPS; i++) {
        descent.sweep();
      }
    }

    private void read(float[] to) {
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < cols; c++) {
          to[c * LANES + r] = weights[(first + r) * cols + c];
        }
      }
    }

    /** Finds the grids of a span of columns from its weights as they stand. */
    private void grids(int column) {
      int first = column / group;
      int together = out.grid().together();
      for (int g = first; g < first + together; g++) {
        grid(g);
      }
      if (together > 1) {
        settle(first, together);
        if (how.refits() && out.grid().offset() == Grid.Offset.FREE) {
          for (int g = first; g < first + together; g++) {
            int from = g * group;
            fit.shifts(w, from, group, curvature.importance(), from, scales, shifts, g * LANES);
          }
          settle(first, together);
        }
      }
    }

    /** Rounds the scales and shifts of groups to the steps that they share. */
    private void settle(int first, int together) {
      float[] some = new float[together];
      float[] down = out.grid().offset() == Grid.Offset.FREE ? new float[together] : null;
      for (int r = 0; r < LANES; r++) {
        for (int g = 0; g < together; g++) {
          some[g] = scales[(first + g) * LANES + r];
          if (down != null) {
            down[g] = shifts[(first + g) * LANES + r];
          }
        }
        Layouts.settle((Block) out.grid().type(), some, down);
        for (int g = 0; g < together; g++) {
          scales[(first + g) * LANES + r] = some[g];
          if (down != null) {
            shifts[(first + g) * LANES + r] = down[g];
          }
        }
      }
    }

    /** Finds the grids of one group. */
    private void grid(int g) {
      int from = g * group;
      int count = Math.min(group, cols - from);
      if (how.refits()) {
        fit.refit(w, from, count, curvature.importance(), from, scale, shift);
      } else {
        fit.range(w, from, count, scale, shift);
      }
      System.arraycopy(scale, 0, scales, g * LANES, LANES);
      System.arraycopy(shift, 0, shifts, g * LANES, LANES);
    }

    /** Rounds one column and settles what it owes within the lazy block. */
    private void column(int i, int from, int to) {
      int column = order[i];
      int at = column * LANES;
      int g = column / group * LANES;
      fit.round(w, at, scales, shifts, g, integers, at);
      if (!propagates) {
        return;
      }
      float inverse = 1 / upper[i * cols + i];
      int e = (i - from) * LANES;
      for (int r = 0; r < LANES; r++) {
        errors[e + r] = (w[at + r] - (scales[g + r] * integers[at + r] + shifts[g + r])) * inverse;
      }
      for (int j = i + 1; j < to; j++) {
        float u = upper[i * cols + j];
        int to1 = order[j] * LANES;
        for (int r = 0; r < LANES; r++) {
          w[to1 + r] -= u * errors[e + r];
        }
      }
    }

    /** Settles what a lazy block owes the columns behind it: four columns of it in a pass. */
    private void pay(int from, int to) {
      for (int j = to; j < cols; j++) {
        int at = order[j] * LANES;
        int i = from;
        for (; i + 4 <= to; i += 4) {
          float u0 = upper[i * cols + j];
          float u1 = upper[(i + 1) * cols + j];
          float u2 = upper[(i + 2) * cols + j];
          float u3 = upper[(i + 3) * cols + j];
          int e = (i - from) * LANES;
          for (int r = 0; r < LANES; r++) {
            w[at + r] -=
                u0 * errors[e + r]
                    + u1 * errors[e + LANES + r]
                    + u2 * errors[e + 2 * LANES + r]
                    + u3 * errors[e + 3 * LANES + r];
          }
        }
        for (; i < to; i++) {
          float u = upper[i * cols + j];
          int e = (i - from) * LANES;
          for (int r = 0; r < LANES; r++) {
            w[at + r] -= u * errors[e + r];
          }
        }
      }
    }

    private void store() {
      int groups = out.groups();
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < cols; c++) {
          out.q()[(first + r) * cols + c] = (byte) integers[c * LANES + r];
        }
        for (int g = 0; g < groups; g++) {
          out.scales()[(first + r) * groups + g] = scales[g * LANES + r];
          out.shifts()[(first + r) * groups + g] = shifts[g * LANES + r];
        }
      }
    }
  }
}
