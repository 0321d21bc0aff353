package dev.hone.measure;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How near a candidate's class probabilities stay to the original's on the same texts; no labels
 * are needed.
 *
 * @param divergences Kullback-Leibler divergence of every text, in nats, from the original's
 *     probabilities to the candidate's
 * @param changes 1 for every text whose likeliest class changed, 0 for the others
 */
public record ClassFidelity(double[] divergences, double[] changes) {
  /** A probability that floats cannot tell from zero; keeps a divergence finite. */
  private static final double LEAST = 1e-30;

  /**
   * Compares two sets of class probabilities.
   *
   * @param original [text, class], every row sums to one
   * @param candidate [text, class], every row sums to one
   */
  public static ClassFidelity of(List<float[]> original, List<float[]> candidate) {
    if (original.size() != candidate.size()) {
      throw new IllegalArgumentException(
          "original="
              + original.size()
              + ", candidate="
              + candidate.size()
              + " rows of probabilities: must be of the same texts");
    }
    double[] divergences =
        IntStream.range(0, original.size())
            .mapToDouble(i -> divergence(original.get(i), candidate.get(i)))
            .toArray();
    double[] changes =
        IntStream.range(0, original.size())
            .mapToDouble(i -> likeliest(original.get(i)) == likeliest(candidate.get(i)) ? 0 : 1)
            .toArray();
    return new ClassFidelity(divergences, changes);
  }

  public double meanDivergence() {
    return Statistics.mean(divergences);
  }

  /** Texts whose likeliest class changed. */
  public int flips() {
    return (int) Arrays.stream(changes).sum();
  }

  /** Share of the texts whose likeliest class changed. */
  public double flipRate() {
    return Statistics.mean(changes);
  }

  /** Index of the greatest number; the first of equals. */
  public static int likeliest(float[] scores) {
    int best = 0;
    for (int c = 1; c < scores.length; c++) {
      if (scores[c] > scores[best]) {
        best = c;
      }
    }
    return best;
  }

  private static double divergence(float[] p, float[] q) {
    if (p.length != q.length) {
      throw new IllegalArgumentException(
          p.length + " and " + q.length + " classes: both models must have the same labels");
    }
    requireProbabilities(p);
    requireProbabilities(q);
    return IntStream.range(0, p.length)
        .filter(c -> p[c] > 0)
        .mapToDouble(c -> p[c] * Math.log(p[c] / Math.max(q[c], LEAST)))
        .sum();
  }

  private static void requireProbabilities(float[] row) {
    double sum = 0;
    for (float p : row) {
      sum += p;
    }
    if (!(Math.abs(sum - 1) < 1e-3)) {
      throw new IllegalArgumentException(
          "class probabilities must sum to 1: " + Arrays.toString(row) + " sum to " + sum);
    }
  }
}
