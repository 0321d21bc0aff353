package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class MetricTest {
  // sklearn's documentation of f1_score: macro 0.26666...
  private static final double[] EXPECTED = {0, 1, 2, 0, 1, 2};
  private static final double[] PREDICTED = {0, 2, 1, 0, 0, 1};

  @Test
  void macroF1AsInSklearnsDocumentation() {
    assertThat(Metric.MACRO_F1.of(PREDICTED, EXPECTED)).isCloseTo(0.8 / 3, within(1e-12));
  }

  @Test
  void accuracy() {
    assertThat(Metric.ACCURACY.of(PREDICTED, EXPECTED)).isCloseTo(1.0 / 3, within(1e-12));
  }

  @Test
  void f1OfTheSecondClass() {
    // 2 found of 3, 1 of them wrong besides: precision 2/3, recall 2/4.
    double[] expected = {1, 1, 1, 1, 0, 0};
    double[] predicted = {1, 1, 0, 0, 1, 0};
    assertThat(Metric.F1.of(predicted, expected)).isCloseTo(4.0 / 7, within(1e-12));
    assertThat(Metric.F1.of(new double[] {0, 0}, new double[] {0, 0})).isZero();
  }

  @Test
  void macroF1CountsAClassThatIsOnlyPredicted() {
    assertThat(Metric.MACRO_F1.of(new double[] {0, 3}, new double[] {0, 0}))
        .isCloseTo((2.0 / 3 + 0) / 2, within(1e-12));
  }
}
