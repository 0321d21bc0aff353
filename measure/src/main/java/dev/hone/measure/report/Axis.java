package dev.hone.measure.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** Where values lie along one side of a plot, and the round ones that are written there. */
sealed interface Axis {

  /** From 0 at the first end to 1 at the other. */
  double position(double value);

  /** Values to write, in their order, within the axis. */
  List<Double> ticks();

  /** Equal steps: for sizes and speeds. */
  record Linear(double min, double max, double step) implements Axis {

    /** An axis that holds all values, with about {@code steps} ticks. */
    static Linear over(double[] values, int steps) {
      double largest = DoubleStream.of(values).max().orElseThrow();
      double smallest = DoubleStream.of(values).min().orElseThrow();
      double top = 1.05 * largest;
      double rough = (top - 0.85 * smallest) / steps;
      double decade = Math.pow(10, Math.floor(Math.log10(rough)));
      double step =
          DoubleStream.of(1, 2, 5, 10)
              .map(s -> s * decade)
              .filter(s -> s >= rough)
              .findFirst()
              .orElseThrow();
      return new Linear(Math.floor(0.95 * smallest / step) * step, top, step);
    }

    @Override
    public double position(double value) {
      return (value - min) / (max - min);
    }

    @Override
    public List<Double> ticks() {
      var ticks = new ArrayList<Double>();
      for (long i = Math.round(min / step); i * step <= max; i++) {
        ticks.add(i * step);
      }
      return ticks;
    }
  }

  /**
   * Equal factors away from zero, and zero itself: for losses, which span decades while the
   * original's is nothing and a lucky candidate's is less. From {@code -least} to {@code least} the
   * axis is straight.
   *
   * @param min the lowest value, at most 0
   * @param least a power of ten
   */
  record SymmetricLog(double min, double max, double least) implements Axis {
    /** Decades below the budget that are told apart: what is less is as good as nothing. */
    private static final double DECADES = 2;

    /** Height of the straight part on either side of zero, in decades. */
    private static final double STRAIGHT = 0.6;

    /**
     * An axis that holds all losses and the budget.
     *
     * @param budget above 0
     */
    static SymmetricLog over(double[] losses, double budget) {
      double max = Math.max(budget, DoubleStream.of(losses).max().orElse(0));
      double min = DoubleStream.of(losses).min().orElse(0);
      double smallest =
          DoubleStream.of(losses).map(Math::abs).filter(v -> v > 0).min().orElse(budget);
      double least =
          Math.clamp(decade(smallest), decade(budget) / Math.pow(10, DECADES), decade(budget) / 10);
      return new SymmetricLog(min < 0 ? 1.5 * min : 0, 1.7 * max, least);
    }

    @Override
    public double position(double value) {
      return (bend(value) - bend(min)) / (bend(max) - bend(min));
    }

    @Override
    public List<Double> ticks() {
      var ticks = new ArrayList<Double>();
      // Few decades leave room for steps within them.
      double[] steps = bend(max) - bend(min) < 2.7 ? new double[] {1, 2, 5} : new double[] {1};
      for (double decade = least; decade <= max * 1.0001 || decade <= -min * 1.0001; decade *= 10) {
        for (double step : steps) {
          double tick = step * decade;
          if (tick <= max) {
            ticks.add(tick);
          }
          if (tick <= -min) {
            ticks.add(-tick);
          }
        }
      }
      ticks.add(0.0);
      ticks.sort(null);
      return ticks;
    }

    private double bend(double value) {
      double size = Math.abs(value);
      double bent = size <= least ? STRAIGHT * size / least : STRAIGHT + Math.log10(size / least);
      return Math.copySign(bent, value);
    }

    /** The power of ten at or below a value. */
    private static double decade(double value) {
      return Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
    }
  }
}
