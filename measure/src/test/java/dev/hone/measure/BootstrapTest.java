package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  private static final int TEXTS = 872;

  @Test
  void intervalOfAnAccuracyIsTheBinomials() {
    // 775 of 872 right: 1.96 standard errors of sqrt(p (1 - p) / n) are 0.0209 to each side.
    double[] expected = new double[TEXTS];
    double[] predicted = new double[TEXTS];
    Arrays.fill(predicted, 775, TEXTS, 1);
    Estimate accuracy = Bootstrap.STANDARD.metric(Metric.ACCURACY, predicted, expected);
    assertThat(accuracy.value()).isCloseTo(0.88876, within(1e-5));
    assertThat(accuracy.low()).isCloseTo(0.88876 - 0.0209, within(0.003));
    assertThat(accuracy.high()).isCloseTo(0.88876 + 0.0209, within(0.003));
  }

  @Test
  void intervalOfAMeanCoversItAsOftenAsItSays() {
    var random = new SplittableRandom(7);
    int covered = 0;
    for (int trial = 0; trial < 200; trial++) {
      double[] values = random.doubles(100).toArray();
      Estimate mean = new Bootstrap(400, trial).mean(values);
      covered += mean.low() <= 0.5 && 0.5 <= mean.high() ? 1 : 0;
    }
    assertThat(covered).isBetween(180, 199);
  }

  @Test
  void pairingSeesADifferenceThatTheSingleIntervalsHide() {
    var random = new SplittableRandom(1);
    double[] expected = random.doubles(TEXTS).toArray();
    double[] a = Arrays.stream(expected).map(e -> e + random.nextDouble()).toArray();
    double[] b = new double[TEXTS];
    Arrays.setAll(b, i -> a[i] + 0.1 * (random.nextDouble() - 0.5) - 0.03 * (a[i] - expected[i]));
    Estimate first = Bootstrap.STANDARD.metric(Metric.PEARSON, a, expected);
    Estimate second = Bootstrap.STANDARD.metric(Metric.PEARSON, b, expected);
    Estimate difference = Bootstrap.STANDARD.difference(Metric.PEARSON, a, b, expected);
    assertThat(second.low()).isLessThan(first.high());
    assertThat(difference.value()).isCloseTo(second.value() - first.value(), within(1e-12));
    assertThat(difference.low()).isPositive();
  }

  @Test
  void relativeDropIsNothingToOneselfAndEverythingForAFlatCandidate() {
    double[] expected = {1, 2, 3, 4, 5, 6, 7, 8};
    double[] original = {1, 3, 2, 4, 5, 7, 6, 8};
    assertThat(Bootstrap.STANDARD.relativeDrop(Metric.SPEARMAN, original, original, expected))
        .isEqualTo(new Estimate(0, 0, 0));
    assertThat(
            Bootstrap.STANDARD
                .relativeDrop(Metric.SPEARMAN, original, new double[8], expected)
                .value())
        .isEqualTo(1);
    assertThatThrownBy(
            () ->
                Bootstrap.STANDARD.relativeDrop(Metric.SPEARMAN, new double[8], original, expected))
        .isInstanceOf(TaskException.class)
        .hasMessageContaining("original's spearman is 0.0");
  }

  @Test
  void sameSeedSameInterval() {
    double[] values = new SplittableRandom(3).doubles(50).toArray();
    assertThat(new Bootstrap(200, 5).mean(values)).isEqualTo(new Bootstrap(200, 5).mean(values));
    assertThat(new Bootstrap(200, 5).mean(values)).isNotEqualTo(new Bootstrap(200, 6).mean(values));
  }
}
