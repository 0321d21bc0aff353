package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Speed;
import dev.hone.measure.Timing;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** What makes one candidate within the budget better than another. */
public enum Objective {
  /** The geometric mean of the times of a short and a long text. */
  LATENCY,
  /** Texts a second on the batch of mixed lengths. */
  THROUGHPUT,
  /** Bytes on disk. */
  SIZE;

  /**
   * The best of several candidates, which must not be none. Those that are not slower than the fastest
   * beyond the noise of the measurement count as equally fast; of these the smallest wins.
   */
  Trial best(List<Trial> trials) {
    Comparator<Trial> smallest = Comparator.comparingLong(Trial::bytesOnDisk);
    return switch (this) {
      case SIZE -> trials.stream().min(smallest.thenComparing(t -> time(t).p50Nanos())).orElseThrow();
      case LATENCY, THROUGHPUT -> {
        Trial fastest =
            trials.stream()
                .min(Comparator.comparingDouble(t -> time(t).p50Nanos()))
                .orElseThrow();
        yield trials.stream()
            .filter(t -> t == fastest || !certainlySlower(t, fastest))
            .min(smallest)
            .orElseThrow();
      }
    };
  }

  private boolean certainlySlower(Trial trial, Trial fastest) {
    Estimate ratio = time(trial).ratioTo(time(fastest), Bootstrap.STANDARD);
    return ratio.low() > 1;
  }

  private Timing time(Trial trial) {
    Speed speed = trial.speed();
    return switch (this) {
      case THROUGHPUT, SIZE -> speed.batch();
      case LATENCY -> {
        double[] shorts = speed.shortText().nanos();
        double[] longs = speed.longText().nanos();
        yield new Timing(
            IntStream.range(0, Math.min(shorts.length, longs.length))
                .mapToDouble(i -> Math.sqrt(shorts[i] * longs[i]))
                .toArray());
      }
    };
  }
}
