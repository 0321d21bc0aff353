package dev.hone.compress.prune;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How much goes where, so that a share of the weights is gone and the answers change least: the
 * losses of parts are taken to add up, each is a table, and what is chosen lies on the lower hull
 * of all choices, by a price that a weight has; the rest is filled step by step.
 */
final class Allocation {
  /** Neurons of large parts stay in multiples of this: kernels are at their best then. */
  private static final int LANES = 16;

  private Allocation() {}

  /**
   * What removing from one part costs.
   *
   * @param losses [units that are gone], from none to all but one
   */
  record Curve(String reader, long unitWeights, double[] losses) {

    /**
     * A part that was tried at some levels; between them its own costs say how the loss grows.
     *
     * @param levels units that were gone, ascending
     * @param changes of the answers then
     */
    static Curve of(Part part, Order order, int[] levels, double[] changes) {
      int units = part.units();
      double[] grown = new double[units];
      for (int k = 1; k < units; k++) {
        grown[k] = grown[k - 1] + Math.max(0, order.costs()[k - 1]);
      }
      double[] losses = new double[units];
      int from = 0;
      double base = 0;
      for (int l = 0; l < levels.length; l++) {
        int to = levels[l];
        double rise = Math.max(0, changes[l] - base);
        double whole = grown[to] - grown[from];
        for (int k = from + 1; k <= to; k++) {
          double share =
              whole > 0 ? (grown[k] - grown[from]) / whole : (double) (k - from) / (to - from);
          losses[k] = base + rise * share;
        }
        base += rise;
        from = to;
      }
      for (int k = from + 1; k < units; k++) {
        losses[k] = grown[from] > 0 ? base * grown[k] / grown[from] : base;
      }
      return new Curve(part.reader().name(), part.unitWeights(), losses);
    }

    private int step() {
      return losses.length >= 256 ? LANES : 1;
    }

    private int next(int gone) {
      int units = losses.length;
      int step = step();
      // What stays is a whole number of steps.
      return gone == 0 && units % step != 0 ? units % step : gone + step;
    }

    private int best(double price) {
      int best = 0;
      for (int k = 0; k < losses.length; k = next(k)) {
        if (losses[k] - price * unitWeights * k < losses[best] - price * unitWeights * best) {
          best = k;
        }
      }
      return best;
    }
  }

  /**
   * Units that go, by the names of parts' readers.
   *
   * @param weights that must be gone at least
   */
  static Map<String, Integer> of(List<Curve> curves, long weights) {
    double low = 0;
    double high = 1e-12;
    while (removed(curves, chosen(curves, high)) < weights && high < 1e6) {
      high *= 2;
    }
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (removed(curves, chosen(curves, middle)) < weights) {
        low = middle;
      } else {
        high = middle;
      }
    }
    int[] gone = chosen(curves, low);
    while (removed(curves, gone) < weights) {
      int best = -1;
      double least = Double.MAX_VALUE;
      for (int p = 0; p < gone.length; p++) {
        Curve curve = curves.get(p);
        int next = curve.next(gone[p]);
        if (next < curve.losses.length) {
          double rise = curve.losses[next] - curve.losses[gone[p]];
          double each = rise / (curve.unitWeights * (next - gone[p]));
          if (each < least) {
            least = each;
            best = p;
          }
        }
      }
      if (best < 0) {
        throw new IllegalArgumentException(
            weights
                + " weights are to be removed: "
                + removed(curves, gone)
                + " can be, as every part keeps a unit");
      }
      gone[best] = curves.get(best).next(gone[best]);
    }
    Map<String, Integer> byReader = new HashMap<>();
    for (int p = 0; p < gone.length; p++) {
      byReader.put(curves.get(p).reader, gone[p]);
    }
    return byReader;
  }

  private static int[] chosen(List<Curve> curves, double price) {
    return curves.stream().mapToInt(curve -> curve.best(price)).toArray();
  }

  private static long removed(List<Curve> curves, int[] gone) {
    long removed = 0;
    for (int p = 0; p < gone.length; p++) {
      removed += curves.get(p).unitWeights * gone[p];
    }
    return removed;
  }
}
