package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Objective;
import dev.hone.measure.Speed;
import dev.hone.measure.Statistics;
import dev.hone.measure.Timing;
import java.util.Comparator;
import java.util.List;

/** What makes one candidate better than another. */
final class Choice {
  private static final Comparator<Trial> SMALLEST = Comparator.comparingLong(Trial::bytesOnDisk);

  private final Objective objective;
  private final double maxLoss;

  Choice(Objective objective, double maxLoss) {
    this.objective = objective;
    this.maxLoss = maxLoss;
  }

  /** Whether a candidate keeps the budget on the texts to choose by. */
  boolean fits(Trial trial) {
    return trial.choose().loss().value() <= maxLoss;
  }

  /** The best of those within the budget; where there are none, the one that loses least. */
  Trial of(List<Trial> candidates) {
    List<Trial> fitting = candidates.stream().filter(this::fits).toList();
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

  /** The choice in a sentence. */
  String reason(Trial chosen, List<Trial> candidates) {
    List<Trial> fitting = candidates.stream().filter(this::fits).toList();
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

  private double relative(Trial trial) {
    return Statistics.median(ratios(trial));
  }

  /** How many times as long as the original it took, round by round. */
  private double[] ratios(Trial trial) {
    return time(trial.speed()).ratiosTo(time(trial.beside()));
  }

  private Timing time(Speed speed) {
    return switch (objective) {
      case THROUGHPUT, SIZE -> speed.batch();
      case LATENCY -> speed.shortText();
    };
  }
}
