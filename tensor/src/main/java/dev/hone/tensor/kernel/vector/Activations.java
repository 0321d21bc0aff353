package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.hone.tensor.Activation;
import jdk.incubator.vector.FloatVector;

/**
 * The activations on an array in place.
 *
 * <p>Within 1e-6 of the exact functions (relative to the result where that is greater than one).
 */
final class Activations {
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f; // few bits: n * LN2_HIGH is exact
  private static final float LN2_LOW = -2.12194440e-4f;

  /** Added and taken away again, it rounds to whole numbers, which then stand in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  /** Between these e^x is neither denormal nor infinite. */
  private static final float LEAST = -87;

  private static final float MOST = 88;
  private static final float SQRT_2 = 1.41421356f;
  private static final float SQRT_2_OVER_PI = 0.797884561f;

  private Activations() {}

  /**
   * Applies it to the first {@code count} numbers.
   *
   * @param count a multiple of {@link Vectors#LANES}
   */
  static void apply(Activation activation, float[] x, int count) {
    switch (activation) {
      case NONE -> {}
      case RELU -> relu(x, count);
      case GELU -> gelu(x, count);
      case GELU_TANH -> geluTanh(x, count);
      case TANH -> tanh(x, count);
      case SILU -> silu(x, count);
    }
  }

  /**
   * e^x for x in [-87, 88], within 3 units in the last place: 2^n times the Taylor series on
   * [-ln2/2, ln2/2].
   */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted =
        x.fma(FloatVector.broadcast(FLOATS, LOG2_E), FloatVector.broadcast(FLOATS, ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), x);
    r = n.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(FLOATS, 1 / 720f);
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 120f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 24f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1 / 6f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.5f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
    return shifted
        .reinterpretAsInts()
        .lanewise(LSHL, 23)
        .add(p.reinterpretAsInts())
        .reinterpretAsFloats();
  }

  private static void relu(float[] x, int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector.fromArray(FLOATS, x, i).max(0).intoArray(x, i);
    }
  }

  /**
   * {@code x Φ(x) = max(x, 0) - |x| / 2 erfc(|x| / √2)}, which nothing cancels in; erfc by
   * Abramowitz, Stegun, "Handbook of Mathematical Functions", 7.1.26.
   */
  private static void gelu(float[] x, int count) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    FloatVector slope = FloatVector.broadcast(FLOATS, 0.3275911f / SQRT_2);
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector size = v.abs();
      FloatVector t = one.div(size.fma(slope, one));
      FloatVector p = FloatVector.broadcast(FLOATS, 1.061405429f);
      p = p.fma(t, FloatVector.broadcast(FLOATS, -1.453152027f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 1.421413741f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.284496736f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 0.254829592f));
      FloatVector e = exp(v.mul(v).mul(-0.5f).max(LEAST));
      FloatVector half = p.mul(t).mul(e).mul(size).mul(0.5f);
      v.max(0).sub(half).intoArray(x, i);
    }
  }

  private static void geluTanh(float[] x, int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector cubic = v.mul(v).mul(0.044715f).add(1).mul(v);
      FloatVector e = exp(cubic.mul(-2 * SQRT_2_OVER_PI).max(LEAST).min(MOST));
      v.div(e.add(1)).intoArray(x, i);
    }
  }

  private static void tanh(float[] x, int count) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    FloatVector two = FloatVector.broadcast(FLOATS, 2);
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector e = exp(v.add(v).max(LEAST).min(MOST));
      one.sub(two.div(e.add(1))).intoArray(x, i);
    }
  }

  private static void silu(float[] x, int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector e = exp(v.neg().max(LEAST).min(MOST));
      v.div(e.add(1)).intoArray(x, i);
    }
  }
}
