package dev.hone.measure;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * How long a piece of work took, once a round. Several pieces are timed in turn within each round,
 * so that whatever else the machine does hits all of them alike.
 *
 * @param nanos of every round, in the order in which they ran
 */
public record Timing(double[] nanos) {
  /** Rounds that must not be faster than those before them for a warm-up to be over. */
  private static final int SETTLED = 5;

  /** Share by which rounds may be faster than those before them and still count as settled. */
  private static final double SETTLED_WITHIN = 0.03;

  /**
   * How long to measure.
   *
   * @param minRounds rounds at least, after the warm-up
   * @param maxRounds rounds at most
   * @param perWork time for every piece of work that ends the rounds between the two; the warm-up
   *     takes at most as long again
   */
  public record Plan(int minRounds, int maxRounds, Duration perWork) {
    public Plan {
      if (minRounds < 3 || maxRounds < minRounds) {
        throw new IllegalArgumentException(
            "rounds=" + minRounds + ".." + maxRounds + ": a spread needs at least 3");
      }
    }
  }

  /** Times one piece of work. */
  public static Timing measure(Plan plan, Runnable work) {
    return interleaved(plan, List.of(work)).getFirst();
  }

  /** Times pieces of work in turn; the one that goes first changes from round to round. */
  public static List<Timing> interleaved(Plan plan, List<? extends Runnable> works) {
    return interleaved(plan, works, System::nanoTime);
  }

  static List<Timing> interleaved(Plan plan, List<? extends Runnable> works, LongSupplier clock) {
    for (Runnable work : works) {
      warmUp(plan, work, clock);
    }
    var nanos = new ArrayList<double[]>();
    long end = clock.getAsLong() + plan.perWork().toNanos() * works.size();
    while (nanos.size() < plan.minRounds()
        || (nanos.size() < plan.maxRounds() && clock.getAsLong() < end)) {
      int first = nanos.size();
      double[] round = new double[works.size()];
      for (int i = 0; i < round.length; i++) {
        int at = (first + i) % round.length;
        round[at] = time(works.get(at), clock);
      }
      nanos.add(round);
    }
    var timings = new ArrayList<Timing>();
    for (int i = 0; i < works.size(); i++) {
      int at = i;
      timings.add(new Timing(nanos.stream().mapToDouble(round -> round[at]).toArray()));
    }
    return Collections.unmodifiableList(timings);
  }

  public double p50Nanos() {
    return Statistics.median(nanos);
  }

  public double p95Nanos() {
    return Statistics.percentile(nanos, 95);
  }

  /** Spread of a round relative to the median, which outliers do not move. */
  public double noise() {
    return Statistics.deviation(nanos) / p50Nanos();
  }

  /**
   * How many times as long this took as another piece of work of the same interleaved measurement,
   * round by round.
   */
  public double[] ratiosTo(Timing other) {
    if (other.nanos.length != nanos.length) {
      throw new IllegalArgumentException(
          "rounds="
              + nanos.length
              + " and "
              + other.nanos.length
              + ": only what was measured in the same rounds compares");
    }
    double[] ratios = new double[nanos.length];
    Arrays.setAll(ratios, i -> nanos[i] / other.nanos[i]);
    return ratios;
  }

  /** The rounds of several measurements of the same work as those of one. */
  static Timing pooled(List<Timing> timings) {
    return new Timing(timings.stream().flatMapToDouble(t -> Arrays.stream(t.nanos)).toArray());
  }

  /** All rounds so many times as long. */
  Timing times(double factor) {
    return new Timing(Arrays.stream(nanos).map(n -> n * factor).toArray());
  }

  /** Runs the work until it gets no faster, as long as the plan allows; at least once. */
  private static void warmUp(Plan plan, Runnable work, LongSupplier clock) {
    long end = clock.getAsLong() + plan.perWork().toNanos();
    double before = Double.POSITIVE_INFINITY;
    while (true) {
      double[] rounds = new double[SETTLED];
      for (int i = 0; i < SETTLED; i++) {
        rounds[i] = time(work, clock);
        if (clock.getAsLong() >= end) {
          return;
        }
      }
      double now = Statistics.median(rounds);
      if (now >= before * (1 - SETTLED_WITHIN)) {
        return;
      }
      before = now;
    }
  }

  private static long time(Runnable work, LongSupplier clock) {
    long start = clock.getAsLong();
    work.run();
    return clock.getAsLong() - start;
  }
}
