package dev.hone.measure;

import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How near a candidate's embeddings stay to the original's on the same texts; no labels are needed.
 *
 * @param cosines cosine of every text's two embeddings
 * @param neighbourAgreement share of every text's nearest neighbours that are the same in both sets
 */
public record Fidelity(double[] cosines, double neighbourAgreement) {
  /** Neighbours compared. */
  public static final int NEIGHBOURS = 10;

  /**
   * Texts among which neighbours are looked for, the first ones: the work grows with the square.
   */
  private static final int NEIGHBOURHOOD = 1000;

  /**
   * Compares two sets of embeddings.
   *
   * @param original [text, dim]
   * @param candidate [text, dim]
   */
  public static Fidelity of(List<float[]> original, List<float[]> candidate) {
    if (original.size() != candidate.size()) {
      throw new IllegalArgumentException(
          "original="
              + original.size()
              + ", candidate="
              + candidate.size()
              + " embeddings: must be of the same texts");
    }
    double[] cosines =
        IntStream.range(0, original.size())
            .mapToDouble(i -> cosine(original.get(i), candidate.get(i)))
            .toArray();
    return new Fidelity(cosines, neighbourAgreement(head(original), head(candidate), NEIGHBOURS));
  }

  public double meanCosine() {
    return Statistics.mean(cosines);
  }

  public double minCosine() {
    return IntStream.range(0, cosines.length).mapToDouble(i -> cosines[i]).min().orElseThrow();
  }

  /** One minus the mean cosine. */
  public double loss() {
    return 1 - meanCosine();
  }

  /** The loss with its interval. */
  public Estimate loss(Bootstrap bootstrap) {
    return bootstrap.mean(
        IntStream.range(0, cosines.length).mapToDouble(i -> 1 - cosines[i]).toArray());
  }

  /** Cosine of two vectors; 0 where one of them is zero. */
  public static double cosine(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "vectors of " + a.length + " and " + b.length + " numbers have no cosine");
    }
    double dot = 0;
    double squareA = 0;
    double squareB = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      squareA += (double) a[i] * a[i];
      squareB += (double) b[i] * b[i];
    }
    double cosine = squareA == 0 || squareB == 0 ? 0 : dot / Math.sqrt(squareA * squareB);
    if (Double.isNaN(cosine)) {
      throw new IllegalArgumentException(
          "an embedding holds NaN or infinity: the model that made it is broken");
    }
    // Rounding can put the cosine of equal vectors an ulp above 1, which would be a loss below 0.
    return Math.min(1, cosine);
  }

  private static List<float[]> head(List<float[]> embeddings) {
    return embeddings.subList(0, Math.min(NEIGHBOURHOOD, embeddings.size()));
  }

  /**
   * Share of the {@code k} nearest neighbours by cosine that a text has in both sets, meaned over
   * texts.
   */
  static double neighbourAgreement(List<float[]> original, List<float[]> candidate, int k) {
    int neighbours = Math.min(k, original.size() - 1);
    if (neighbours < 1) {
      return 1;
    }
    return IntStream.range(0, original.size())
        .mapToDouble(
            text -> {
              BitSet common = nearest(original, text, neighbours);
              common.and(nearest(candidate, text, neighbours));
              return (double) common.cardinality() / neighbours;
            })
        .average()
        .orElseThrow();
  }

  private static BitSet nearest(List<float[]> embeddings, int text, int k) {
    double[] cosines =
        IntStream.range(0, embeddings.size())
            .mapToDouble(other -> cosine(embeddings.get(text), embeddings.get(other)))
            .toArray();
    BitSet nearest = new BitSet();
    IntStream.range(0, embeddings.size())
        .filter(other -> other != text)
        .boxed()
        .sorted((a, b) -> Double.compare(cosines[b], cosines[a]))
        .limit(k)
        .forEach(nearest::set);
    return nearest;
  }
}
