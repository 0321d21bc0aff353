package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Objective;
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
      case SIZE -> fitting.stream().min(SMALLEST.thenComparingDouble(this::nanos)).orElseThrow();
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
    Trial fastest = trials.stream().min(Comparator.comparingDouble(this::nanos)).orElseThrow();
    return trials.stream().filter(t -> !certainlySlower(t, fastest)).toList();
  }

  private boolean certainlySlower(Trial trial, Trial fastest) {
    Estimate ratio = time(trial).ratioTo(time(fastest), Bootstrap.STANDARD);
    return ratio.low() > 1;
  }

  private double nanos(Trial trial) {
    return time(trial).p50Nanos();
  }

  private Timing time(Trial trial) {
    return switch (objective) {
      case THROUGHPUT, SIZE -> trial.speed().batch();
      case LATENCY -> trial.speed().shortText();
    };
  }
}
