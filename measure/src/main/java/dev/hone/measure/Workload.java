package dev.hone.measure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.ToIntFunction;

/**
 * The texts that speed is measured on: a short one and a long one, each run alone, and a batch of
 * mixed lengths.
 */
public record Workload(Sample shortText, Sample longText, Sample batch) {
  /** Tokens of a text such as a search query. */
  public static final int SHORT_TOKENS = 16;

  /** Tokens of a text such as a paragraph, which most encoders still read whole. */
  public static final int LONG_TOKENS = 256;

  /** Texts of the batch. */
  public static final int BATCH = 32;

  /**
   * Texts run together.
   *
   * @param tokens of all of them
   */
  public record Sample(List<String> texts, int tokens) {}

  public Workload {
    if (batch.texts().isEmpty()) {
      throw new IllegalArgumentException("no texts: speed cannot be measured");
    }
  }

  /**
   * Draws a workload: the texts nearest to {@link #SHORT_TOKENS} and {@link #LONG_TOKENS}, and
   * {@link #BATCH} others drawn with a seed, or all where there are fewer.
   *
   * @param tokens counts a text's tokens, as the model reads it
   */
  public static Workload of(List<String> texts, ToIntFunction<String> tokens, long seed) {
    var drawn = new ArrayList<>(texts);
    Collections.shuffle(drawn, new Random(seed));
    return new Workload(
        sample(nearest(texts, tokens, SHORT_TOKENS), tokens),
        sample(nearest(texts, tokens, LONG_TOKENS), tokens),
        sample(List.copyOf(drawn.subList(0, Math.min(BATCH, drawn.size()))), tokens));
  }

  private static List<String> nearest(
      List<String> texts, ToIntFunction<String> tokens, int wanted) {
    return texts.stream()
        .min(Comparator.comparingInt(t -> Math.abs(tokens.applyAsInt(t) - wanted)))
        .map(List::of)
        .orElseGet(List::of);
  }

  private static Sample sample(List<String> texts, ToIntFunction<String> tokens) {
    return new Sample(texts, texts.stream().mapToInt(tokens).sum());
  }
}
