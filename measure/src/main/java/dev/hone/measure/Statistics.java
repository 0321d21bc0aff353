package dev.hone.measure;

import java.util.Arrays;
import org.hipparchus.stat.correlation.PearsonsCorrelation;
import org.hipparchus.stat.descriptive.rank.Percentile;
import org.hipparchus.stat.descriptive.rank.Percentile.EstimationType;
import org.hipparchus.stat.ranking.NaNStrategy;
import org.hipparchus.stat.ranking.NaturalRanking;
import org.hipparchus.stat.ranking.TiesStrategy;

/** The few statistics of samples that measurements need. */
public final class Statistics {
  /** Makes the median absolute deviation of a normal distribution its standard deviation. */
  private static final double NORMAL = 1.4826;

  private Statistics() {}

  public static double mean(double[] values) {
    return Arrays.stream(nonEmpty(values)).sum() / values.length;
  }

  /**
   * The value below which {@code percent} of the values lie, interpolated between neighbours: R's
   * type 7, NumPy's default.
   *
   * @param percent above 0, at most 100
   */
  public static double percentile(double[] values, double percent) {
    return new Percentile()
        .withEstimationType(EstimationType.R_7)
        .evaluate(nonEmpty(values), percent);
  }

  public static double median(double[] values) {
    return percentile(values, 50);
  }

  /**
   * Spread of the values that outliers do not move: the median absolute deviation, scaled so that
   * it is the standard deviation where the values are normal.
   */
  public static double deviation(double[] values) {
    double median = median(values);
    return NORMAL * median(Arrays.stream(values).map(v -> Math.abs(v - median)).toArray());
  }

  /** Pearson's correlation; 0 where one side is constant, since it says nothing about the other. */
  public static double pearson(double[] x, double[] y) {
    double r = new PearsonsCorrelation().correlation(finite(x), finite(y));
    return Double.isNaN(r) ? 0 : r;
  }

  /** Spearman's rank correlation; equal values share the mean of their ranks. */
  public static double spearman(double[] x, double[] y) {
    return pearson(ranks(x), ranks(y));
  }

  private static double[] ranks(double[] values) {
    return new NaturalRanking(NaNStrategy.FAILED, TiesStrategy.AVERAGE).rank(finite(values));
  }

  private static double[] nonEmpty(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values: a statistic needs at least one");
    }
    return values;
  }

  private static double[] finite(double[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "value " + i + " is " + values[i] + ": a correlation needs finite values");
      }
    }
    return values;
  }
}
