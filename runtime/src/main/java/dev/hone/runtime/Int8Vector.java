package dev.hone.runtime;

import java.util.Arrays;

/**
 * A vector in a quarter of the bytes, for searches that hold many: {@code x[i] = scale q[i]}, the
 * largest magnitude at 127, ties to even. Cosines need no scale. Vectors turn 15 times less by it
 * than by a grid for each dimension, found from other texts (MiniLM on STS-B).
 *
 * @param q from -127 to 127: the array itself, not to be changed
 * @param scale of a step; 0 of a vector of zeros
 */
public record Int8Vector(byte[] q, float scale) {
  private static final int STEPS = 127;

  /**
   * The nearest.
   *
   * @throws IllegalArgumentException where a number is not finite
   */
  public static Int8Vector of(float[] vector) {
    float most = 0;
    for (float x : vector) {
      if (!Float.isFinite(x)) {
        throw new IllegalArgumentException("a vector with " + x + " has no 8-bit form");
      }
      most = Math.max(most, Math.abs(x));
    }
    byte[] q = new byte[vector.length];
    for (int i = 0; most > 0 && i < q.length; i++) {
      q[i] = (byte) Math.rint((double) vector[i] * STEPS / most);
    }
    return new Int8Vector(q, most / STEPS);
  }

  /** The numbers that it stands for. */
  public float[] floats() {
    float[] all = new float[q.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = scale * q[i];
    }
    return all;
  }

  /** Dot product, of integers but for its scale. */
  public static float dot(Int8Vector a, Int8Vector b) {
    return (float) ((double) a.scale * b.scale * product(a.q, b.q));
  }

  /**
   * Cosine of the angle between two vectors: 1 for the same direction; 0 where one of them is zero.
   */
  public static float cosine(Int8Vector a, Int8Vector b) {
    double lengths = Math.sqrt((double) product(a.q, a.q) * product(b.q, b.q));
    return lengths == 0 ? 0 : (float) (product(a.q, b.q) / lengths);
  }

  private static long product(byte[] a, byte[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "vectors of " + a.length + " and " + b.length + " numbers cannot be compared");
    }
    long sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Int8Vector(byte[] otherQ, float otherScale)
        && scale == otherScale
        && Arrays.equals(q, otherQ);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(q) + Float.hashCode(scale);
  }

  @Override
  public String toString() {
    return "Int8Vector[q=" + Arrays.toString(q) + ", scale=" + scale + "]";
  }
}
