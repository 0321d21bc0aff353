package dev.hone.measure;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * Intervals of 95 % by the percentile bootstrap: how a figure moves when the texts are drawn again
 * from those there are. Efron, Tibshirani, "An Introduction to the Bootstrap", chapter 13.
 *
 * @param resamples how often the texts are drawn again
 * @param seed the same seed gives the same interval
 */
public record Bootstrap(int resamples, long seed) {
  /** Enough resamples for the second digit of an interval's width. */
  public static final Bootstrap STANDARD = new Bootstrap(1000, 1);

  public Bootstrap {
    if (resamples < 100) {
      throw new IllegalArgumentException(
          "resamples=" + resamples + ": the ends of a 95 % interval need at least 100");
    }
  }

  /** Mean of one value a text. */
  public Estimate mean(double[] values) {
    return estimate(values.length, at -> Statistics.mean(pick(values, at)));
  }

  /** A metric of one system. */
  public Estimate metric(Metric metric, double[] predicted, double[] expected) {
    requireSameLength(predicted, expected);
    return estimate(expected.length, at -> metric.of(pick(predicted, at), pick(expected, at)));
  }

  /** By how much {@code b} scores above {@code a}, both resampled over the same texts. */
  public Estimate difference(Metric metric, double[] a, double[] b, double[] expected) {
    requireSameLength(a, expected);
    requireSameLength(b, expected);
    return estimate(
        expected.length,
        at -> {
          double[] drawn = pick(expected, at);
          return metric.of(pick(b, at), drawn) - metric.of(pick(a, at), drawn);
        });
  }

  /**
   * The drop of a metric from {@code original} to {@code candidate} relative to the original's
   * value, both resampled over the same texts. Resamples on which the original scores nothing count
   * as no drop.
   */
  public Estimate relativeDrop(
      Metric metric, double[] original, double[] candidate, double[] expected) {
    requireSameLength(original, expected);
    requireSameLength(candidate, expected);
    double score = metric.of(original, expected);
    if (score <= 0) {
      throw new TaskException(
          "the original's "
              + metric.label()
              + " is "
              + score
              + ": a loss relative to it has no meaning; take another task");
    }
    return estimate(
        expected.length,
        at -> {
          double[] drawn = pick(expected, at);
          double from = metric.of(pick(original, at), drawn);
          return from <= 0 ? 0 : (from - metric.of(pick(candidate, at), drawn)) / from;
        });
  }

  /**
   * How many times as large the median of {@code a} is as that of {@code b}, each drawn again for
   * itself. They differ for certain where 1 lies outside of the interval.
   */
  public Estimate quotientOfMedians(double[] a, double[] b) {
    var random = new SplittableRandom(seed);
    double[] values = new double[resamples];
    for (int r = 0; r < resamples; r++) {
      values[r] = Statistics.median(drawn(a, random)) / Statistics.median(drawn(b, random));
    }
    return new Estimate(
        Statistics.median(a) / Statistics.median(b),
        Statistics.percentile(values, 2.5),
        Statistics.percentile(values, 97.5));
  }

  /**
   * Any statistic of texts.
   *
   * @param size number of texts
   * @param statistic its value on the texts with these indices, which repeat
   */
  public Estimate estimate(int size, ToDoubleFunction<int[]> statistic) {
    if (size == 0) {
      throw new IllegalArgumentException("no texts: nothing can be estimated");
    }
    int[] all = new int[size];
    Arrays.setAll(all, i -> i);
    var random = new SplittableRandom(seed);
    double[] values = new double[resamples];
    int[] drawn = new int[size];
    for (int r = 0; r < resamples; r++) {
      Arrays.setAll(drawn, i -> random.nextInt(size));
      values[r] = statistic.applyAsDouble(drawn);
    }
    return new Estimate(
        statistic.applyAsDouble(all),
        Statistics.percentile(values, 2.5),
        Statistics.percentile(values, 97.5));
  }

  private static double[] drawn(double[] values, SplittableRandom random) {
    double[] drawn = new double[values.length];
    Arrays.setAll(drawn, i -> values[random.nextInt(values.length)]);
    return drawn;
  }

  private static double[] pick(double[] values, int[] at) {
    double[] picked = new double[at.length];
    Arrays.setAll(picked, i -> values[at[i]]);
    return picked;
  }

  private static void requireSameLength(double[] predicted, double[] expected) {
    if (predicted.length != expected.length) {
      throw new IllegalArgumentException(
          "predicted=" + predicted.length + ", expected=" + expected.length + ": must be equal");
    }
  }
}
