package dev.hone.compress.quantize;

import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import java.util.function.ToDoubleFunction;

/** How numbers lie between their ends, in {@value #BINS} bins as wide as each other. */
final class InputHistogram {
  static final int BINS = 8192;

  /** Places that an end of a range is tried at. */
  private static final int CANDIDATES = 64;

  /** Sweeps over both ends. */
  private static final int SWEEPS = 3;

  /** Stands for no mass where a divergence would be endless. */
  private static final double LEAST_MASS = 1e-9;

  /** Of a range whose divergence says something. */
  private static final int LEAST_BINS = BINS / 8;

  private static final int LEVELS = (int) Input.STEPS + 1;

  private final float least;
  private final float most;
  private final double width;
  private final float[] columns;
  private final double[] bins = new double[BINS];

  /**
   * @param least number there is, at most 0
   * @param most number there is, at least 0
   * @param columns what a number of each column counts
   */
  InputHistogram(float least, float most, float[] columns) {
    this.least = least;
    this.most = most;
    this.width = Math.max(((double) most - least) / BINS, Float.MIN_NORMAL);
    this.columns = columns;
  }

  /** Counts a row. */
  void count(float[] row, double[] into) {
    double inverse = 1 / width;
    for (int c = 0; c < row.length; c++) {
      int bin = (int) ((row[c] - least) * inverse);
      into[Math.clamp(bin, 0, BINS - 1)] += columns[c];
    }
  }

  void add(double[] counted) {
    for (int i = 0; i < BINS; i++) {
      bins[i] += counted[i];
    }
  }

  private double middle(int bin) {
    return least + (bin + 0.5) * width;
  }

  private static int level(double x, StaticInt8 grid) {
    return (int) Math.clamp(Math.rint(x / grid.scale()) + grid.zero(), 0, Input.STEPS);
  }

  /** The sum of squares of what a grid makes of every number, less the number. */
  double squaredError(StaticInt8 grid) {
    double error = 0;
    for (int i = 0; i < BINS; i++) {
      if (bins[i] > 0) {
        double x = middle(i);
        double off = (level(x, grid) - grid.zero()) * (double) grid.scale() - x;
        error += bins[i] * off * off;
      }
    }
    return error;
  }

  /**
   * The divergence of a grid's levels, each spread over the bins that it stands for, from the bins.
   * What lies outside is what the outermost bins within have besides.
   */
  double divergence(StaticInt8 grid) {
    double scale = grid.scale();
    int from = bin(-grid.zero() * scale);
    int to = bin((Input.STEPS - grid.zero()) * scale);
    if (to - from < LEAST_BINS) {
      return Double.MAX_VALUE; // a bin for each level looks like no loss
    }
    double[] masses = new double[LEVELS];
    int[] filled = new int[LEVELS];
    double all = 0;
    double within = 0;
    double below = 0;
    double above = 0;
    for (int i = 0; i < BINS; i++) {
      all += bins[i];
      if (i < from) {
        below += bins[i];
      } else if (i > to) {
        above += bins[i];
      } else if (bins[i] > 0) {
        int level = level(middle(i), grid);
        masses[level] += bins[i];
        filled[level]++;
        within += bins[i];
      }
    }
    double divergence = 0;
    for (int i = from; i <= to; i++) {
      double p = (bins[i] + (i == from ? below : 0) + (i == to ? above : 0)) / all;
      if (p > 0) {
        int level = level(middle(i), grid);
        double q = filled[level] == 0 || bins[i] == 0 ? 0 : masses[level] / filled[level] / within;
        divergence += p * Math.log(p / Math.max(q, LEAST_MASS));
      }
    }
    return divergence;
  }

  private int bin(double x) {
    return Math.clamp((long) ((x - least) / width), 0, BINS - 1);
  }

  /** The grid without the outermost numbers: so much percent lies within. */
  StaticInt8 percentile(double percent) {
    double all = 0;
    for (double bin : bins) {
      all += bin;
    }
    double outside = (1 - percent / 100) / 2 * all;
    int from = 0;
    for (double sum = bins[0]; from < BINS - 1 && sum <= outside; sum += bins[from]) {
      from++;
    }
    int to = BINS - 1;
    for (double sum = bins[to]; to > from && sum <= outside; sum += bins[to]) {
      to--;
    }
    return StaticInt8.of((float) (least + from * width), (float) (least + (to + 1) * width));
  }

  /** The grid with the least error, of those that end at parts of the whole range. */
  StaticInt8 search(ToDoubleFunction<StaticInt8> error) {
    float low = least;
    float high = most;
    double best = error.applyAsDouble(StaticInt8.of(low, high));
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      for (int i = 1; i <= CANDIDATES; i++) {
        float candidate = least * i / CANDIDATES;
        double found = error.applyAsDouble(StaticInt8.of(candidate, high));
        if (found < best) {
          best = found;
          low = candidate;
        }
      }
      for (int i = 1; i <= CANDIDATES; i++) {
        float candidate = most * i / CANDIDATES;
        double found = error.applyAsDouble(StaticInt8.of(low, candidate));
        if (found < best) {
          best = found;
          high = candidate;
        }
      }
    }
    return StaticInt8.of(low, high);
  }
}
