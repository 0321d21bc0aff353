package dev.hone.compress.prune;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The units of a part in the order in which they should go.
 *
 * @param units what matters least first
 * @param costs what is lost when each goes after those before it, as a share of what all are worth
 */
public record Order(int[] units, double[] costs) {

  /** By an importance of each unit for itself. */
  public static Order of(double[] importances) {
    int[] units =
        IntStream.range(0, importances.length)
            .boxed()
            .sorted(Comparator.comparingDouble(u -> importances[u]))
            .mapToInt(u -> u)
            .toArray();
    double all = Arrays.stream(importances).sum();
    return new Order(
        units,
        Arrays.stream(units).mapToDouble(u -> all == 0 ? 0 : importances[u] / all).toArray());
  }

  /** How many go; one stays at least. */
  int count(Amount amount) {
    return switch (amount) {
      case Amount.Below below -> {
        int count = 0;
        while (count < units.length - 1 && costs[count] < below.importance()) {
          count++;
        }
        yield count;
      }
      case Amount.Share _, Amount.Count _ ->
          Math.toIntExact(Math.min(units.length - 1, amount.of((long) units.length)));
    };
  }

  /** What stays when so many have gone, in the order of the model. */
  int[] kept(int gone) {
    return IntStream.of(units).skip(gone).sorted().toArray();
  }
}
