package dev.hone.tensor.kernel.scalar;

import dev.hone.tensor.Activation;

/** The activations, to double's precision. */
final class ScalarFunctions {
  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  private ScalarFunctions() {}

  static double activate(Activation activation, double x) {
    return switch (activation) {
      case NONE -> x;
      case RELU -> Math.max(x, 0);
      case GELU -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
      case TANH -> Math.tanh(x);
      case SILU -> x / (1 + Math.exp(-x));
    };
  }

  /**
   * Abramowitz, Stegun, "Handbook of Mathematical Functions", 7.1.6: a series without cancellation.
   */
  static double erf(double x) {
    if (Double.isNaN(x)) {
      return x;
    }
    if (Math.abs(x) > 6) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }
}
