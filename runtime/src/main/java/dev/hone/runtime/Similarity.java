package dev.hone.runtime;

/**
 * How alike two vectors are: the larger, the more alike. Vectors of different lengths are refused.
 */
public final class Similarity {
  private Similarity() {}

  /**
   * Cosine of the angle between two vectors: 1 for the same direction; 0 where one of them is zero.
   */
  public static float cosine(float[] a, float[] b) {
    checkLengths(a, b);
    double dot = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      squaresA += (double) a[i] * a[i];
      squaresB += (double) b[i] * b[i];
    }
    double lengths = Math.sqrt(squaresA * squaresB);
    return lengths == 0 ? 0 : (float) (dot / lengths);
  }

  /** Dot product. */
  public static float dot(float[] a, float[] b) {
    checkLengths(a, b);
    double dot = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
    }
    return (float) dot;
  }

  /** Minus the Euclidean distance. */
  public static float euclidean(float[] a, float[] b) {
    checkLengths(a, b);
    double squares = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = (double) a[i] - b[i];
      squares += difference * difference;
    }
    return (float) -Math.sqrt(squares);
  }

  /** Minus the sum of absolute differences. */
  public static float manhattan(float[] a, float[] b) {
    checkLengths(a, b);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((double) a[i] - b[i]);
    }
    return (float) -sum;
  }

  private static void checkLengths(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "vectors of " + a.length + " and " + b.length + " numbers cannot be compared");
    }
  }
}
