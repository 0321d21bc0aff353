package dev.hone.model;

import dev.hone.model.RopeScaling.ByPair;
import dev.hone.model.RopeScaling.DynamicNtk;
import dev.hone.model.RopeScaling.Linear;
import dev.hone.model.RopeScaling.Llama3;
import dev.hone.model.RopeScaling.LongRope;
import dev.hone.model.RopeScaling.None;
import dev.hone.model.RopeScaling.Yarn;

/**
 * Rotary position embedding: pairs of numbers of every query and key are turned by angles that grow
 * with the token's position. Su et al., "RoFormer: Enhanced Transformer with Rotary Position
 * Embedding", section 3.4.2.
 *
 * @param dims leading numbers of a head that are turned: an even number
 * @param theta base of the angles: pair i of position p is turned by {@code p theta^(-2i / dims)}
 * @param scaling what a model that was stretched to longer texts changes of that
 */
public record Rope(int dims, double theta, RopeScaling scaling) implements Position {

  public Rope {
    if (dims < 2 || dims % 2 != 0 || !(theta > 0)) {
      throw new IllegalArgumentException(
          "dims=" + dims + ", theta=" + theta + ": dims must be even, theta positive");
    }
    switch (scaling) {
      case ByPair pairs -> requireOneAPair(pairs.divisors().size(), dims);
      case LongRope pairs -> {
        requireOneAPair(pairs.shortDivisors().size(), dims);
        requireOneAPair(pairs.longDivisors().size(), dims);
      }
      case None _, Linear _, Llama3 _, Yarn _, DynamicNtk _ -> {}
    }
  }

  private static void requireOneAPair(int divisors, int dims) {
    if (divisors != dims / 2) {
      throw new IllegalArgumentException(
          "dims=" + dims + ", divisors=" + divisors + ": must be one a pair");
    }
  }

  /** What it is for a text of so many tokens: this itself, unless it depends on that. */
  public Rope of(int tokens) {
    return switch (scaling) {
      case None _, Linear _, Llama3 _, ByPair _, Yarn _ -> this;
      case LongRope byLength -> new Rope(dims, theta, byLength.of(tokens));
      case DynamicNtk dynamic ->
          new Rope(dims, dynamic.theta(theta, dims, tokens), new RopeScaling.None());
    };
  }

  /**
   * Radians that each pair is turned from one position to the next.
   *
   * @throws IllegalStateException if that depends on the text: ask {@link #of} first
   */
  public double[] frequencies() {
    double[] frequencies = new double[dims / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double plain = Math.pow(theta, -2.0 * i / dims);
      frequencies[i] =
          switch (scaling) {
            case None _ -> plain;
            case Linear linear -> plain / linear.factor();
            case Llama3 llama -> llama.scaled(plain);
            case ByPair pairs -> plain / pairs.divisors().get(i);
            case Yarn yarn -> yarn.scaled(plain, i, this);
            case LongRope _, DynamicNtk _ -> throw dependsOnText();
          };
    }
    return frequencies;
  }

  /** Factor on every turned number. */
  public double amplitude() {
    return switch (scaling) {
      case None _, Linear _, Llama3 _ -> 1;
      case ByPair pairs -> pairs.amplitude();
      case Yarn yarn -> yarn.amplitude();
      case LongRope _, DynamicNtk _ -> throw dependsOnText();
    };
  }

  private IllegalStateException dependsOnText() {
    return new IllegalStateException(scaling + " depends on how long a text is");
  }
}
