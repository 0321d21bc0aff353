package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.hone.tensor.Activation;
import jdk.incubator.vector.FloatVector;

/**
 * The activations on an array in place.
 *
 * <p>Within 1e-6 of the exact functions (relative to the result where that is greater than one).
 */
final class Activations {
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2 = 0.693147180f;

  /** Added and taken away again, it rounds to whole numbers, which then stand in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  /** Up to here neither e^x is infinite nor e^-x denormal. */
  private static final float MOST = 87;

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
   * e^x for x in [-87, 88], within 2e-7 of the result (and as much for each unit of x past 100):
   * 2^n times the polynomial of degree 5 with the least relative error on [-ln2/2, ln2/2], which is
   * 8e-8. Outside the range it gives anything.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted =
        x.fma(FloatVector.broadcast(FLOATS, LOG2_E), FloatVector.broadcast(FLOATS, ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -LN2), x);
    FloatVector p = FloatVector.broadcast(FLOATS, 0.008297654800f);
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.041915383190f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.166675746441f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.499988943338f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 0.999999701977f));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1.000000119209f));
    return shifted
        .reinterpretAsInts()
        .lanewise(LSHL, 23)
        .add(p.reinterpretAsInts())
        .reinterpretAsFloats();
  }

  /**
   * {@link #exp} where a larger x than {@link #MOST} or a smaller one than its negative may come.
   */
  private static FloatVector clampedExp(FloatVector x) {
    // not max and min: those also order zeros and NaNs, and take three times as long
    FloatVector above = x.blend(-MOST, x.compare(LT, -MOST));
    return exp(above.blend(MOST, above.compare(GT, MOST)));
  }

  /** {@code cap tanh(x / cap)} of {@code count} numbers, a multiple of {@link Vectors#LANES}. */
  static void softCap(float cap, float[] x, int at, int count) {
    FloatVector caps = FloatVector.broadcast(FLOATS, cap);
    FloatVector twoCaps = FloatVector.broadcast(FLOATS, 2 * cap);
    for (int i = at; i < at + count; i += LANES) {
      FloatVector e = clampedExp(FloatVector.fromArray(FLOATS, x, i).mul(2 / cap));
      caps.sub(twoCaps.div(e.add(1))).intoArray(x, i);
    }
  }

  private static void relu(float[] x, int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector.fromArray(FLOATS, x, i).max(0).intoArray(x, i);
    }
  }

  /**
   * {@code x Φ(x) = max(x, 0) - |x| Φ(-|x|)}, where nothing cancels. Up to |x| = 5.25, Φ(-|x|) is
   * the polynomial of degree 13 in t = 2 |x| / 5.25 - 1 (so that its powers stay small) with the
   * least error in the result, 6e-7; beyond, it is zero. No division, no exponential.
   */
  private static void gelu(float[] x, int count) {
    FloatVector slope = FloatVector.broadcast(FLOATS, 2 / 5.25f);
    FloatVector minusOne = FloatVector.broadcast(FLOATS, -1);
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector size = v.abs();
      FloatVector t = size.fma(slope, minusOne);
      FloatVector p = FloatVector.broadcast(FLOATS, 0.0066733630f);
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.0197905377f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.0057753474f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 0.0774812028f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.0679931715f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.0834169537f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 0.1973823160f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.1012805477f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.1209044680f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 0.2576091886f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.2259680033f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 0.1150504947f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, -0.0334002376f));
      p = p.fma(t, FloatVector.broadcast(FLOATS, 0.0043326602f));
      FloatVector tail = p.mul(size).blend(0, t.compare(GT, 1));
      v.blend(0, v.compare(LT, 0)).sub(tail).intoArray(x, i);
    }
  }

  private static void geluTanh(float[] x, int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector cubic = v.mul(v).mul(0.044715f).add(1).mul(v);
      FloatVector e = clampedExp(cubic.mul(-2 * SQRT_2_OVER_PI));
      v.div(e.add(1)).intoArray(x, i);
    }
  }

  private static void tanh(float[] x, int count) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    FloatVector two = FloatVector.broadcast(FLOATS, 2);
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector e = clampedExp(v.add(v));
      one.sub(two.div(e.add(1))).intoArray(x, i);
    }
  }

  private static void silu(float[] x, int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector e = clampedExp(v.neg());
      v.div(e.add(1)).intoArray(x, i);
    }
  }
}
