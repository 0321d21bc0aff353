package dev.hone.measure;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.stream.IntStream;

/** How well what a model says agrees with what a task expects: more is better. */
public enum Metric {
  /** Spearman's rank correlation, equal values sharing the mean of their ranks. */
  SPEARMAN {
    @Override
    public double of(double[] predicted, double[] expected) {
      return Statistics.spearman(predicted, expected);
    }
  },
  PEARSON {
    @Override
    public double of(double[] predicted, double[] expected) {
      return Statistics.pearson(predicted, expected);
    }
  },
  /** Share of the texts whose class is the expected one. */
  ACCURACY {
    @Override
    public double of(double[] predicted, double[] expected) {
      return (double) count(predicted, expected, (p, e) -> p == e) / expected.length;
    }
  },
  /** F1 of class 1 against the others, for tasks of two classes. */
  F1 {
    @Override
    public double of(double[] predicted, double[] expected) {
      return f1(predicted, expected, 1);
    }
  },
  /** Mean of the F1 of every class that is expected or predicted at least once. */
  MACRO_F1 {
    @Override
    public double of(double[] predicted, double[] expected) {
      return IntStream.concat(classes(predicted), classes(expected))
          .distinct()
          .mapToDouble(c -> f1(predicted, expected, c))
          .average()
          .orElseThrow();
    }
  };

  /**
   * The metric of one value a text.
   *
   * @param predicted what the model says: a score, or the index of a class
   * @param expected what the task expects, in the same order
   */
  public abstract double of(double[] predicted, double[] expected);

  /** As files and reports spell it: {@code macro-f1}. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private interface Agreement {
    boolean test(double predicted, double expected);
  }

  private static int count(double[] predicted, double[] expected, Agreement agreement) {
    int count = 0;
    for (int i = 0; i < expected.length; i++) {
      if (agreement.test(predicted[i], expected[i])) {
        count++;
      }
    }
    return count;
  }

  private static double f1(double[] predicted, double[] expected, int of) {
    int both = count(predicted, expected, (p, e) -> p == of && e == of);
    int either = count(predicted, expected, (p, e) -> p == of || e == of);
    return both == 0 ? 0 : 2.0 * both / (both + either);
  }

  private static IntStream classes(double[] values) {
    return IntStream.range(0, values.length).map(i -> (int) values[i]);
  }
}
