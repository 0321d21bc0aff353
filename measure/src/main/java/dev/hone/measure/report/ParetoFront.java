package dev.hone.measure.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The candidates that no other beats in both of two costs. */
public final class ParetoFront {
  private ParetoFront() {}

  /**
   * The front by rising first cost, and so by falling second cost. Of candidates that are equal in
   * both the first one stays.
   *
   * @param first less is better
   * @param second less is better
   */
  public static <T> List<T> of(
      List<T> candidates, ToDoubleFunction<T> first, ToDoubleFunction<T> second) {
    var front = new ArrayList<T>();
    double least = Double.POSITIVE_INFINITY;
    for (T candidate :
        candidates.stream()
            .sorted(Comparator.comparingDouble(first).thenComparingDouble(second))
            .toList()) {
      if (second.applyAsDouble(candidate) < least) {
        least = second.applyAsDouble(candidate);
        front.add(candidate);
      }
    }
    return List.copyOf(front);
  }
}
