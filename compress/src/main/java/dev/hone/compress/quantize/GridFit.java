package dev.hone.compress.quantize;

import dev.hone.compress.quantize.Grid.Offset;
import java.util.Arrays;

/**
 * Finds the grids of one group of columns for many rows at once: the rows are the lanes of vectors.
 * A column's lanes are an array of their own: the JIT compiler makes vectors of loops in which all
 * arrays are read at the same index, and of few others.
 *
 * <p>A refitted grid minimizes {@code Σ h (w - grid(w))²} over a row's group. Candidates of the
 * step, from more than least-to-largest down to a part of it, are each solved: weights are assigned
 * to integers, then scale and shift follow by weighted least squares; the best candidate is
 * assigned and solved again until that no longer helps. With h = 1 that is what {@code
 * make_qkx2_quants} of llama.cpp does; h is the diagonal of the Hessian here.
 */
final class GridFit {
  /** Rows that are worked on at once. */
  static final int LANES = 128;

  /** Adding and taking it away rounds a float to the nearest integer, ties to even. */
  private static final float ROUND = 0x1.8p23f;

  private static final int CANDIDATES = 24;
  private static final float WIDEST = 1.1f;
  private static final float NARROWEST = 0.5f;
  private static final int POLISH = 4;
  private static final float TINY = 1e-12f;

  /** The least number above zero that F16 has. */
  private static final float LEAST_F16 = 0x1p-24f;

  private final Grid grid;
  private final boolean downwards;
  private final byte[] nearest;
  private final float[] low = new float[LANES];
  private final float[] high = new float[LANES];
  private final float[] scale = new float[LANES];
  private final float[] shift = new float[LANES];
  private final float[] inverse = new float[LANES];
  private final float[] zero = new float[LANES];
  private final float[] sumXQ = new float[LANES];
  private final float[] sumQQ = new float[LANES];
  private final float[] sumQ = new float[LANES];
  private final float[] sumX = new float[LANES];
  private final float[] sumXX = new float[LANES];
  private final float[] error = new float[LANES];
  private final float[] bestError = new float[LANES];
  private final float[] bestScale = new float[LANES];
  private final float[] bestShift = new float[LANES];
  private float sumH;

  GridFit(Grid grid) {
    this.grid = grid;
    this.downwards = grid.downwards();
    this.nearest = grid.levels() == null ? null : nearest(grid.levels());
  }

  /** The level nearest to every half of an integer from -128 on: index {@code floor(2 q) + 256}. */
  private static byte[] nearest(byte[] levels) {
    byte[] table = new byte[512];
    for (int i = 0; i < table.length; i++) {
      double middle = (i - 256) / 2.0 + 0.25;
      byte best = levels[0];
      for (byte level : levels) {
        if (Math.abs(level - middle) < Math.abs(best - middle)) {
          best = level;
        }
      }
      table[i] = best;
    }
    return table;
  }

  /**
   * Grids from the least weight to the largest: {@code scale = (max - min) / (2^b - 1)}, {@code
   * zero = round(-min / scale)}; a symmetric one's largest magnitude over half the steps. A group
   * of zeros has the scale 1, of IQ4_NL, which has no zero, the least there is.
   *
   * @param x [column][lane]
   * @param scales of the lanes, as they are stored
   * @param shifts of the lanes, as they are stored
   */
  void range(float[][] x, int from, int cols, float[] scales, float[] shifts) {
    extremes(x, from, cols);
    for (int r = 0; r < LANES; r++) {
      float step =
          switch (grid.offset()) {
            case NONE -> symmetricStep(r);
            case ZERO_POINT -> (Math.max(high[r], 0) - Math.min(low[r], 0)) / grid.steps();
            case FREE ->
                (downwards ? Math.max(high[r], 0) - Math.min(low[r], 0) : high[r] - low[r])
                    / grid.steps();
          };
      step = usable(grid.stored(step));
      scales[r] = step;
      shifts[r] =
          switch (grid.offset()) {
            case NONE -> 0;
            case ZERO_POINT ->
                -step
                    * Math.clamp(
                        (float) Math.rint(grid.least() - Math.min(low[r], 0) / step),
                        grid.least(),
                        grid.most());
            case FREE -> grid.stored(downwards ? Math.min(low[r], 0) : low[r]);
          };
    }
  }

  /** From zero to the extreme; where scales have a sign, the extreme meets the longer side. */
  private float symmetricStep(int r) {
    float magnitude = Math.max(Math.abs(low[r]), Math.abs(high[r]));
    if (!grid.negative()) {
      return magnitude / (grid.steps() / 2f);
    }
    float extreme = Math.abs(low[r]) > Math.abs(high[r]) ? low[r] : high[r];
    return extreme / grid.least();
  }

  /** A step to divide by; levels without a zero need one that is as good as none. */
  private float usable(float step) {
    return Math.abs(step) >= Float.MIN_NORMAL ? step : nearest == null ? 1 : LEAST_F16;
  }

  /**
   * Refitted grids.
   *
   * @param x [column][lane]
   * @param h weight of each column's squared error
   */
  void refit(
      float[][] x, int from, int cols, float[] h, int hFrom, float[] scales, float[] shifts) {
    extremes(x, from, cols);
    moments(x, from, cols, h, hFrom);
    Arrays.fill(bestError, Float.MAX_VALUE);
    for (int c = 0; c < CANDIDATES; c++) {
      float share = WIDEST - (WIDEST - NARROWEST) * c / (CANDIDATES - 1);
      switch (grid.offset()) {
        case NONE -> {
          symmetric(share);
          candidate(x, from, cols, h, hFrom);
          if (grid.negative()) {
            for (int r = 0; r < LANES; r++) {
              scale[r] = -scale[r];
            }
            candidate(x, from, cols, h, hFrom);
          }
        }
        case ZERO_POINT -> {
          for (int move = -1; move <= 1; move++) {
            around(share, move);
            candidate(x, from, cols, h, hFrom);
          }
        }
        case FREE -> {
          free(share);
          candidate(x, from, cols, h, hFrom);
        }
      }
    }
    polish(x, from, cols, h, hFrom, scales, shifts);
  }

  private void extremes(float[][] x, int from, int cols) {
    System.arraycopy(x[from], 0, low, 0, LANES);
    System.arraycopy(x[from], 0, high, 0, LANES);
    for (int i = 1; i < cols; i++) {
      float[] column = x[from + i];
      for (int r = 0; r < LANES; r++) {
        low[r] = Math.min(low[r], column[r]);
        high[r] = Math.max(high[r], column[r]);
      }
    }
  }

  private void moments(float[][] x, int from, int cols, float[] h, int hFrom) {
    Arrays.fill(sumX, 0);
    Arrays.fill(sumXX, 0);
    sumH = 0;
    for (int i = 0; i < cols; i++) {
      float[] column = x[from + i];
      float weight = h[hFrom + i];
      sumH += weight;
      for (int r = 0; r < LANES; r++) {
        float hx = weight * column[r];
        sumX[r] += hx;
        sumXX[r] += hx * column[r];
      }
    }
  }

  private void symmetric(float share) {
    for (int r = 0; r < LANES; r++) {
      float magnitude = Math.max(Math.abs(low[r]), Math.abs(high[r]));
      scale[r] = usable(magnitude * share / (grid.steps() / 2f));
      shift[r] = 0;
    }
  }

  /** A range of that share, its middle as near to the weights' as whole zero points let it be. */
  private void around(float share, int move) {
    float middle = (grid.least() + grid.most()) / 2f;
    for (int r = 0; r < LANES; r++) {
      float step = usable((high[r] - low[r]) * share / grid.steps());
      float z = (float) Math.rint(middle - (low[r] + high[r]) / (2 * step)) + move;
      z = Math.clamp(z, grid.least(), grid.most());
      scale[r] = step;
      shift[r] = -z * step;
      zero[r] = z;
    }
  }

  private void free(float share) {
    float middle = (grid.least() + grid.most()) / 2f;
    for (int r = 0; r < LANES; r++) {
      float step = usable((high[r] - low[r]) * share / grid.steps());
      scale[r] = step;
      shift[r] = (low[r] + high[r]) / 2 - middle * step;
      shift[r] = downwards ? Math.min(shift[r], 0) : shift[r];
    }
  }

  /** Assigns to the grid at hand, solves, and keeps what is better than the best. */
  private void candidate(float[][] x, int from, int cols, float[] h, int hFrom) {
    sums(x, from, cols, h, hFrom);
    for (int r = 0; r < LANES; r++) {
      float found = solve(r);
      if (found < bestError[r]) {
        bestError[r] = found;
        bestScale[r] = scale[r];
        bestShift[r] = shift[r];
      }
    }
  }

  /**
   * Scale and shift of least squares for the integers that were assigned; answers the error that is
   * left.
   */
  private float solve(int r) {
    if (grid.offset() == Offset.FREE) {
      float determinant = sumH * sumQQ[r] - sumQ[r] * sumQ[r];
      if (determinant <= TINY * sumH * sumQQ[r]) {
        return Float.MAX_VALUE; // all in one place
      }
      scale[r] = (sumH * sumXQ[r] - sumX[r] * sumQ[r]) / determinant;
      shift[r] = (sumX[r] - scale[r] * sumQ[r]) / sumH;
      if (downwards && shift[r] > 0) {
        shift[r] = 0;
        scale[r] = sumXQ[r] / sumQQ[r];
        return sumXX[r] - scale[r] * sumXQ[r];
      }
      return sumXX[r] - scale[r] * sumXQ[r] - shift[r] * sumX[r];
    }
    if (sumQQ[r] == 0) {
      return sumXX[r]; // all are zero
    }
    float best = sumXQ[r] / sumQQ[r];
    if (grid.offset() == Offset.ZERO_POINT) {
      shift[r] = -zero[r] * best;
    }
    scale[r] = best;
    return sumXX[r] - best * sumXQ[r];
  }

  /** Sums over the integers that the grid at hand gives; of zero points, less these. */
  private void sums(float[][] x, int from, int cols, float[] h, int hFrom) {
    Arrays.fill(sumXQ, 0);
    Arrays.fill(sumQQ, 0);
    Arrays.fill(sumQ, 0);
    for (int r = 0; r < LANES; r++) {
      inverse[r] = 1 / scale[r];
    }
    for (int i = 0; i < cols; i++) {
      float weight = h[hFrom + i];
      if (nearest != null) {
        sumLevels(x[from + i], weight);
      } else if (grid.offset() == Offset.FREE) {
        sumFree(x[from + i], weight);
      } else {
        sumIntegers(x[from + i], weight);
      }
    }
  }

  private void sumIntegers(float[] x, float weight) {
    float least = grid.least();
    float most = grid.most();
    boolean points = grid.offset() == Offset.ZERO_POINT;
    if (!points) {
      Arrays.fill(zero, 0);
    }
    for (int r = 0; r < LANES; r++) {
      float value = x[r];
      float q = Math.min(Math.max(value * inverse[r] + zero[r], least), most);
      float d = (q + ROUND - ROUND) - zero[r];
      float hd = weight * d;
      sumXQ[r] += hd * value;
      sumQQ[r] += hd * d;
    }
  }

  private void sumFree(float[] x, float weight) {
    float least = grid.least();
    float most = grid.most();
    for (int r = 0; r < LANES; r++) {
      float value = x[r];
      float q = Math.min(Math.max((value - shift[r]) * inverse[r], least), most);
      float d = q + ROUND - ROUND;
      float hd = weight * d;
      sumXQ[r] += hd * value;
      sumQQ[r] += hd * d;
      sumQ[r] += hd;
    }
  }

  private void sumLevels(float[] x, float weight) {
    for (int r = 0; r < LANES; r++) {
      float value = x[r];
      float d = level(value * inverse[r]);
      float hd = weight * d;
      sumXQ[r] += hd * value;
      sumQQ[r] += hd * d;
    }
  }

  private float level(float q) {
    float doubled = Math.min(Math.max(2 * q + 256, 0), 511);
    return nearest[(int) doubled];
  }

  /** From the best candidate on: round to what is stored, assign, solve, while that helps. */
  private void polish(
      float[][] x, int from, int cols, float[] h, int hFrom, float[] scales, float[] shifts) {
    System.arraycopy(bestScale, 0, scale, 0, LANES);
    System.arraycopy(bestShift, 0, shift, 0, LANES);
    Arrays.fill(bestError, Float.MAX_VALUE);
    for (int round = 0; round < POLISH; round++) {
      for (int r = 0; r < LANES; r++) {
        store(r);
      }
      errors(x, from, cols, h, hFrom);
      for (int r = 0; r < LANES; r++) {
        if (error[r] < bestError[r]) {
          bestError[r] = error[r];
          scales[r] = scale[r];
          shifts[r] = shift[r];
        }
      }
      if (round + 1 < POLISH) {
        sums(x, from, cols, h, hFrom);
        for (int r = 0; r < LANES; r++) {
          if (solve(r) == Float.MAX_VALUE || scale[r] == 0) {
            scale[r] = scales[r];
            shift[r] = shifts[r];
          }
        }
      }
    }
  }

  /**
   * Shifts of least squares where scales are given: those of groups that share their steps.
   *
   * @param scales of the lanes
   * @param shifts of the lanes, which are changed
   */
  void shifts(
      float[][] x, int from, int cols, float[] h, int hFrom, float[] scales, float[] shifts) {
    System.arraycopy(scales, 0, scale, 0, LANES);
    System.arraycopy(shifts, 0, shift, 0, LANES);
    moments(x, from, cols, h, hFrom);
    for (int round = 0; round < 2; round++) {
      sums(x, from, cols, h, hFrom);
      for (int r = 0; r < LANES; r++) {
        shift[r] = Math.min((sumX[r] - scale[r] * sumQ[r]) / sumH, 0);
      }
    }
    System.arraycopy(shift, 0, shifts, 0, LANES);
  }

  private void store(int r) {
    float stored = usable(grid.stored(scale[r]));
    switch (grid.offset()) {
      case NONE -> {}
      case ZERO_POINT -> {
        zero[r] = (float) Math.rint(-shift[r] / scale[r]);
        shift[r] = -zero[r] * stored;
      }
      case FREE -> shift[r] = grid.stored(shift[r]);
    }
    scale[r] = stored;
  }

  private void errors(float[][] x, int from, int cols, float[] h, int hFrom) {
    Arrays.fill(error, 0);
    float[] q = sumQ; // not needed meanwhile
    for (int i = 0; i < cols; i++) {
      float[] column = x[from + i];
      float weight = h[hFrom + i];
      round(column, scale, shift, q);
      for (int r = 0; r < LANES; r++) {
        float off = column[r] - (scale[r] * q[r] + shift[r]);
        error[r] += weight * off * off;
      }
    }
  }

  /**
   * The integers nearest to the lanes of one column.
   *
   * @param scales of the lanes
   * @param shifts of the lanes
   * @param out the integers, as floats
   */
  void round(float[] x, float[] scales, float[] shifts, float[] out) {
    if (nearest != null) {
      for (int r = 0; r < LANES; r++) {
        out[r] = level(x[r] / scales[r]);
      }
      return;
    }
    float least = grid.least();
    float most = grid.most();
    for (int r = 0; r < LANES; r++) {
      float q = (x[r] - shifts[r]) / scales[r];
      out[r] = Math.min(Math.max(q, least), most) + ROUND - ROUND;
    }
  }
}
