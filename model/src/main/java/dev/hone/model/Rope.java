package dev.hone.model;

import dev.hone.model.RopeScaling.ByPair;
import dev.hone.model.RopeScaling.Linear;
import dev.hone.model.RopeScaling.Llama3;
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
    if (scaling instanceof ByPair pairs && pairs.divisors().size() != dims / 2) {
      throw new IllegalArgumentException(
          "dims=" + dims + ", divisors=" + pairs.divisors().size() + ": must be one a pair");
    }
  }

  /** Radians that each pair is turned from one position to the next. */
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
    };
  }
}
