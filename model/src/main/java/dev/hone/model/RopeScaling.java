package dev.hone.model;

import java.util.List;

/**
 * How a model's {@link Rope} was stretched to texts longer than those it was first trained on;
 * names as configs spell them.
 */
public sealed interface RopeScaling {

  /** Not at all. */
  record None() implements RopeScaling {}

  /**
   * All positions divided by a factor. Chen et al., "Extending Context Window of Large Language
   * Models via Positional Interpolation", section 3.2.
   */
  record Linear(double factor) implements RopeScaling {}

  /**
   * Slow turns divided by a factor, fast ones kept, those between mixed: Llama 3.1's.
   *
   * @param lowFrequency turns over the original positions below which all is divided
   * @param highFrequency turns above which nothing is
   * @param originalPositions length of the texts before stretching
   */
  record Llama3(double factor, double lowFrequency, double highFrequency, int originalPositions)
      implements RopeScaling {
    double scaled(double frequency) {
      double turns = originalPositions * frequency / (2 * Math.PI);
      double kept = Math.clamp((turns - lowFrequency) / (highFrequency - lowFrequency), 0.0, 1.0);
      return frequency * (kept + (1 - kept) / factor);
    }
  }

  /**
   * Every pair's frequency divided by a number of its own, and longer vectors: {@link LongRope} of
   * one text, and what GGUF files hold of {@link Llama3}'s, worked out.
   *
   * @param divisors one a pair
   * @param amplitude factor on every turned number
   */
  record ByPair(List<Double> divisors, double amplitude) implements RopeScaling {
    public ByPair {
      divisors = List.copyOf(divisors);
    }
  }

  /**
   * {@link ByPair} with one list for texts that have no more tokens than those before stretching
   * and another for longer ones, whose first tokens then turn otherwise too. Ding et al.,
   * "LongRoPE: Extending LLM Context Window Beyond 2 Million Tokens", section 3; Phi-3's {@code
   * su}.
   *
   * @param shortDivisors one a pair, as are {@code longDivisors}
   * @param originalPositions length of the texts before stretching
   * @param amplitude factor on every turned number, of short texts too
   */
  record LongRope(
      List<Double> shortDivisors,
      List<Double> longDivisors,
      int originalPositions,
      double amplitude)
      implements RopeScaling {
    public LongRope {
      shortDivisors = List.copyOf(shortDivisors);
      longDivisors = List.copyOf(longDivisors);
    }

    ByPair of(int tokens) {
      return new ByPair(tokens > originalPositions ? longDivisors : shortDivisors, amplitude);
    }
  }

  /**
   * A greater base for texts that are longer than those before stretching, which grows with each of
   * their tokens: {@code theta (factor n / N - factor + 1)^(dims / (dims - 2))} for n of N tokens.
   * Peng et al., "YaRN", section 3.3, "Dynamic NTK".
   *
   * @param originalPositions length of the texts before stretching
   */
  record DynamicNtk(double factor, int originalPositions) implements RopeScaling {
    double theta(double theta, int dims, int tokens) {
      double stretched = factor * Math.max(tokens, originalPositions) / originalPositions;
      return theta * Math.pow(stretched - (factor - 1), dims / (dims - 2.0));
    }
  }

  /**
   * Like {@link Llama3} with a ramp over the pairs, and longer vectors. Peng et al., "YaRN:
   * Efficient Context Window Extension of Large Language Models", section 3.
   *
   * @param betaFast turns over the original positions above which a pair is kept
   * @param betaSlow turns below which its frequency is divided
   * @param amplitude factor on every turned number
   * @param truncate the ramp begins and ends at whole pairs
   */
  record Yarn(
      double factor,
      double betaFast,
      double betaSlow,
      int originalPositions,
      double amplitude,
      boolean truncate)
      implements RopeScaling {
    double scaled(double frequency, int pair, Rope rope) {
      double low = pairOf(betaFast, rope);
      double high = pairOf(betaSlow, rope);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, rope.dims() - 1.0);
      if (low == high) {
        high += 0.001; // as the reference does
      }
      double kept = 1 - Math.clamp((pair - low) / (high - low), 0.0, 1.0);
      return frequency * (kept + (1 - kept) / factor);
    }

    /** The pair that makes so many turns over the original positions, with what lies between. */
    private double pairOf(double turns, Rope rope) {
      return rope.dims()
          * Math.log(originalPositions / (turns * 2 * Math.PI))
          / (2 * Math.log(rope.theta()));
    }
  }
}
