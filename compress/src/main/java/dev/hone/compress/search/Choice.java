package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Objective;
import dev.hone.measure.Statistics;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What makes one candidate better than another. A candidate keeps the budget where the upper end of
 * the interval of its loss does; where no candidate's does, and some lose less than the budget,
 * there are too few texts to tell, and what a candidate's predictions promise decides.
 */
final class Choice {
  private static final Comparator<Trial> SMALLEST = Comparator.comparingLong(Trial::bytesOnDisk);

  private final Objective objective;
  private final double maxLoss;
  private final String unit;

  /**
   * @param unit what intervals draw again: {@code texts}
   */
  Choice(Objective objective, double maxLoss, String unit) {
    this.objective = objective;
    this.maxLoss = maxLoss;
    this.unit = unit;
  }

  /** The candidates that keep the budget on the texts to choose by. */
  List<Trial> fitting(List<Trial> candidates) {
    List<Trial> sure = candidates.stream().filter(this::surely).toList();
    return sure.isEmpty()
        ? candidates.stream().filter(t -> maybe(t) && t.choose().promised() <= maxLoss).toList()
        : sure;
  }

  private boolean surely(Trial trial) {
    return trial.choose().loss().high() <= maxLoss;
  }

  private boolean maybe(Trial trial) {
    return trial.choose().loss().value() < maxLoss;
  }

  /** The best of those within the budget; where there are none, the one that loses least. */
  Trial of(List<Trial> candidates) {
    List<Trial> fitting = fitting(candidates);
    if (fitting.isEmpty()) {
      return candidates.stream()
          .min(Comparator.comparingDouble(t -> t.choose().loss().value()))
          .orElseThrow();
    }
    return switch (objective) {
      case SIZE -> fitting.stream().min(SMALLEST.thenComparingDouble(this::relative)).orElseThrow();
      case LATENCY, THROUGHPUT -> equallyFast(fitting).stream().min(SMALLEST).orElseThrow();
    };
  }

  /**
   * How many texts, or windows of one, would have told, where there are too few: the width of an
   * interval falls with the root of their number.
   */
  Optional<String> tooFew(List<Trial> candidates) {
    if (candidates.stream().anyMatch(this::surely)) {
      return Optional.empty();
    }
    return candidates.stream()
        .filter(this::maybe)
        .min(Comparator.comparingDouble(this::needed))
        .map(
            t ->
                t.choose().texts()
                    + " "
                    + unit
                    + " to choose by are too few to tell whether a loss is within the budget:"
                    + " about "
                    + (long) Math.ceil(needed(t))
                    + " are needed for "
                    + t.name()
                    + "; the divergence of the predictions decided");
  }

  private double needed(Trial trial) {
    Estimate loss = trial.choose().loss();
    double times = (loss.high() - loss.value()) / (maxLoss - loss.value());
    return trial.choose().texts() * times * times;
  }

  /** The choice in a sentence. */
  String reason(Trial chosen, List<Trial> candidates) {
    List<Trial> fitting = fitting(candidates);
    if (fitting.isEmpty()) {
      return "no candidate is within the budget; this one loses least on the texts to choose by";
    }
    String among = "of " + fitting.size() + " candidates within the budget ";
    return switch (objective) {
      case SIZE -> among + "it is the smallest";
      case LATENCY, THROUGHPUT -> {
        int equals = equallyFast(fitting).size();
        yield among
            + (equals == 1
                ? "it is the fastest beyond the noise of the measurement"
                : equals
                    + " are equally fast within the noise of the measurement, and it is the"
                    + " smallest of these");
      }
    };
  }

  /** The fastest, and those that are not slower than it beyond the noise of the measurement. */
  private List<Trial> equallyFast(List<Trial> trials) {
    Trial fastest = trials.stream().min(Comparator.comparingDouble(this::relative)).orElseThrow();
    return trials.stream().filter(t -> !certainlySlower(t, fastest)).toList();
  }

  private boolean certainlySlower(Trial trial, Trial fastest) {
    Estimate ratio = Bootstrap.STANDARD.quotientOfMedians(ratios(trial), ratios(fastest));
    return ratio.low() > 1;
  }

  /** How many times as long as the original it took on what the objective times. */
  double relative(Trial trial) {
    return Statistics.median(ratios(trial));
  }

  /** How many times as long as the original it took, round by round. */
  private double[] ratios(Trial trial) {
    return trial.speed().of(objective).ratiosTo(trial.beside().of(objective));
  }
}
