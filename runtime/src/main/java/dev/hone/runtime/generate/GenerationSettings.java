package dev.hone.runtime.generate;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * What is asked for with a prompt.
 *
 * @param sampling how each token is chosen
 * @param maxNewTokens tokens of an answer at most
 * @param stopTokens tokens that end an answer
 * @param stopStrings strings that end an answer, and are not part of it
 * @param likeliest of how many tokens the probability is told at every step, beside the chosen
 *     one's; nothing is told where there is none
 * @param answers to each prompt, which is read once
 */
public record GenerationSettings(
    Sampling sampling,
    int maxNewTokens,
    Set<Integer> stopTokens,
    List<String> stopStrings,
    OptionalInt likeliest,
    int answers) {
  /** Tokens of an answer where nobody says how many. */
  public static final int DEFAULT_NEW_TOKENS = 512;

  public GenerationSettings {
    stopTokens = Set.copyOf(stopTokens);
    stopStrings = List.copyOf(stopStrings);
    if (maxNewTokens < 1 || answers < 1 || likeliest.orElse(0) < 0) {
      throw new IllegalArgumentException(
          "maxNewTokens="
              + maxNewTokens
              + ", answers="
              + answers
              + ": at least 1; likeliest="
              + likeliest
              + ": at least 0");
    }
    if (stopStrings.contains("")) {
      throw new IllegalArgumentException("a stop string is empty");
    }
  }

  /** The largest logits, up to one of these tokens. */
  public static GenerationSettings greedy(Set<Integer> stopTokens) {
    return new GenerationSettings(
        Sampling.greedy(), DEFAULT_NEW_TOKENS, stopTokens, List.of(), OptionalInt.empty(), 1);
  }

  public GenerationSettings sampling(Sampling value) {
    return new GenerationSettings(value, maxNewTokens, stopTokens, stopStrings, likeliest, answers);
  }

  /** With another sampling, made from the one there is. */
  public GenerationSettings sampling(UnaryOperator<Sampling> change) {
    return sampling(change.apply(sampling));
  }

  public GenerationSettings maxNewTokens(int count) {
    return new GenerationSettings(sampling, count, stopTokens, stopStrings, likeliest, answers);
  }

  public GenerationSettings stopTokens(Set<Integer> tokens) {
    return new GenerationSettings(sampling, maxNewTokens, tokens, stopStrings, likeliest, answers);
  }

  public GenerationSettings stopStrings(String... strings) {
    return new GenerationSettings(
        sampling, maxNewTokens, stopTokens, List.of(strings), likeliest, answers);
  }

  public GenerationSettings likeliest(int count) {
    return new GenerationSettings(
        sampling, maxNewTokens, stopTokens, stopStrings, OptionalInt.of(count), answers);
  }

  public GenerationSettings answers(int count) {
    return new GenerationSettings(
        sampling, maxNewTokens, stopTokens, stopStrings, likeliest, count);
  }
}
