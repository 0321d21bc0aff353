package dev.hone.measure.language;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.language.Windows.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One figure of every scored token, added up window by window. Tokens of one window depend on each
 * other: an interval draws whole windows again.
 *
 * @param sums of each window that scores a token
 * @param counts tokens of each
 */
public record WindowSums(double[] sums, int[] counts) {

  static WindowSums of(List<double[]> windows) {
    List<double[]> some = windows.stream().filter(w -> w.length > 0).toList();
    return new WindowSums(
        some.stream().mapToDouble(w -> Arrays.stream(w).sum()).toArray(),
        some.stream().mapToInt(w -> w.length).toArray());
  }

  /** Of each window's figures those of tokens with more than half a window before them. */
  static List<double[]> secondHalf(List<double[]> figures, List<Window> list, Windows windows) {
    List<double[]> halves = new ArrayList<>();
    for (int i = 0; i < figures.size(); i++) {
      double[] all = figures.get(i);
      halves.add(Arrays.copyOfRange(all, list.get(i).countBefore(windows.half()), all.length));
    }
    return halves;
  }

  /** Tokens of all windows. */
  public int tokens() {
    return Arrays.stream(counts).sum();
  }

  /** Mean over tokens. */
  public double mean() {
    return Arrays.stream(sums).sum() / tokens();
  }

  /** Mean over tokens with its interval. */
  public Estimate mean(Bootstrap bootstrap) {
    return bootstrap.estimate(
        sums.length,
        drawn -> {
          double sum = 0;
          long count = 0;
          for (int window : drawn) {
            sum += sums[window];
            count += counts[window];
          }
          return sum / count;
        });
  }
}
