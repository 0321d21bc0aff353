package dev.hone.runtime;

import java.util.Arrays;

/**
 * Vectors cut to their first numbers, for searches that hold many of them. Kusupati et al.,
 * "Matryoshka Representation Learning": models trained so keep most of their meaning in front;
 * others lose more.
 */
public final class Matryoshka {
  private Matryoshka() {}

  /**
   * The first numbers of a vector, as long as the whole was: of length 1 where a model's vectors
   * are.
   *
   * @throws IllegalArgumentException where the vector has fewer
   */
  public static float[] shortened(float[] vector, int dimensions) {
    if (dimensions < 1 || dimensions > vector.length) {
      throw new IllegalArgumentException(
          "dimensions=" + dimensions + ": the vectors have from 1 to " + vector.length);
    }
    float[] first = Arrays.copyOf(vector, dimensions);
    double length = length(first);
    double scale = length == 0 ? 0 : length(vector) / length;
    for (int i = 0; i < first.length; i++) {
      first[i] = (float) (first[i] * scale);
    }
    return first;
  }

  private static double length(float[] vector) {
    double squares = 0;
    for (float x : vector) {
      squares += (double) x * x;
    }
    return Math.sqrt(squares);
  }
}
