package dev.hone.model;

import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Where norms stand around a part of a block: {@code sum(x + output(part(input(x))))}, each where
 * there is one.
 *
 * @param input before the part
 * @param output behind it
 * @param sum behind the residual connection
 */
public record Norms(Optional<Norm> input, Optional<Norm> output, Optional<Norm> sum) {

  /** {@code x + part(x)}. */
  public static Norms none() {
    return new Norms(Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** {@code norm(x + part(x))}: Vaswani et al., "Attention Is All You Need", section 3.1. */
  public static Norms after(Norm norm) {
    return new Norms(Optional.empty(), Optional.empty(), Optional.of(norm));
  }

  /**
   * {@code x + part(norm(x))}: Radford et al., "Language Models are Unsupervised Multitask
   * Learners", section 2.3.
   */
  public static Norms before(Norm norm) {
    return new Norms(Optional.of(norm), Optional.empty(), Optional.empty());
  }

  /** {@code x + norm(part(x))}: OLMo Team, "2 OLMo 2 Furious", section 2. */
  public static Norms behind(Norm norm) {
    return new Norms(Optional.empty(), Optional.of(norm), Optional.empty());
  }

  /** {@code x + output(part(input(x)))}: Gemma Team, "Gemma 2", section 2. */
  public static Norms around(Norm input, Norm output) {
    return new Norms(Optional.of(input), Optional.of(output), Optional.empty());
  }

  Norms map(UnaryOperator<Norm> change) {
    return new Norms(input.map(change), output.map(change), sum.map(change));
  }
}
