package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class StatisticsTest {
  private static final double[] SKEWED = {1, 1, 2, 2, 4, 6, 9};

  @Test
  void percentilesInterpolateAsNumPyDoes() {
    // numpy.percentile([1, 2, 3, 4], [50, 95, 100]) == [2.5, 3.85, 4]
    double[] values = {4, 1, 3, 2};
    assertThat(Statistics.percentile(values, 50)).isEqualTo(2.5);
    assertThat(Statistics.percentile(values, 95)).isCloseTo(3.85, within(1e-12));
    assertThat(Statistics.percentile(values, 100)).isEqualTo(4);
    assertThat(Statistics.percentile(new double[] {7}, 95)).isEqualTo(7);
  }

  @Test
  void deviationIsTheMedianAbsoluteDeviationAndIgnoresAnOutlier() {
    // The textbook's example: median 2, median absolute deviation 1.
    assertThat(Statistics.deviation(SKEWED)).isCloseTo(1.4826, within(1e-12));
    assertThat(Statistics.deviation(new double[] {1, 1, 2, 2, 4, 6, 9000}))
        .isEqualTo(Statistics.deviation(SKEWED));
  }

  @Test
  void pearsonOfAnscombesFirstSet() {
    double[] x = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
    double[] y = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
    assertThat(Statistics.pearson(x, y)).isCloseTo(0.81642, within(1e-5));
  }

  @Test
  void spearmanWithoutTiesIsTheTextbookFormula() {
    // IQ against hours of television: 1 - 6 * 194 / (10 * 99) = -29 / 165.
    double[] iq = {106, 100, 86, 101, 99, 103, 97, 113, 112, 110};
    double[] hours = {7, 27, 2, 50, 28, 29, 20, 12, 6, 17};
    assertThat(Statistics.spearman(iq, hours)).isCloseTo(-29.0 / 165, within(1e-12));
  }

  @Test
  void spearmanSharesTheRanksOfEqualValues() {
    // Ranks 1 2.5 2.5 4 against 1 2 3 4: covariance 4.5, squares 4.5 and 5.
    assertThat(Statistics.spearman(new double[] {0, 5, 5, 9}, new double[] {1, 2, 3, 4}))
        .isCloseTo(4.5 / Math.sqrt(4.5 * 5), within(1e-12));
  }

  @Test
  void aConstantCorrelatesWithNothing() {
    assertThat(Statistics.spearman(new double[] {1, 1, 1}, new double[] {1, 2, 3})).isZero();
  }

  @Test
  void refusesWhatHasNoStatistic() {
    assertThatThrownBy(() -> Statistics.mean(new double[0])).hasMessageContaining("at least one");
    assertThatThrownBy(() -> Statistics.spearman(new double[] {1, Double.NaN}, new double[] {1, 2}))
        .hasMessage("value 1 is NaN: a correlation needs finite values");
  }
}
