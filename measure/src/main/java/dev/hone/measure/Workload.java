package dev.hone.measure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/** What {@link Speed} is measured on. */
public sealed interface Workload {

  /**
   * Of an encoder a short text and a long one, each run alone, and a batch of mixed lengths.
   *
   * @param batch some texts together
   */
  record OfTexts(Sample shortText, Sample longText, Sample batch) implements Workload {
    public OfTexts {
      if (batch.texts().isEmpty()) {
        throw new IllegalArgumentException("no texts: speed cannot be measured");
      }
    }

    /** What a model does that answers texts. */
    public Speed.Work by(Consumer<List<String>> model) {
      return new Speed.Work(
          () -> model.accept(shortText.texts()),
          () -> model.accept(longText.texts()),
          () -> model.accept(batch.texts()));
    }

    /** Throughput on the batch. */
    public double textsPerSecond(Speed speed) {
      return batch.texts().size() * 1e9 / speed.many().p50Nanos();
    }

    /** Throughput on the batch. */
    public double tokensPerSecond(Speed speed) {
      return batch.tokens() * 1e9 / speed.many().p50Nanos();
    }
  }

  /**
   * Of a decoder tokens of one sequence, one after the other, a prompt, and tokens of several
   * sequences, one of each in every step; every time with an empty cache, as {@code hone bench}.
   *
   * @param generated tokens of each sequence
   * @param prompt tokens of the prompt
   * @param sequences that go on together
   */
  record OfTokens(int generated, int prompt, int sequences) implements Workload {
    private static final int GENERATED = 32;
    private static final int PROMPT = 512;
    private static final int SEQUENCES = 8;

    /** The usual one, as far as a model of so many tokens reads it. */
    public static OfTokens of(int maxTokens) {
      return new OfTokens(Math.min(GENERATED, maxTokens), Math.min(PROMPT, maxTokens), SEQUENCES);
    }
  }

  /** Tokens of a text such as a search query. */
  int SHORT_TOKENS = 16;

  /** Tokens of a text such as a paragraph, which most encoders still read whole. */
  int LONG_TOKENS = 256;

  /** Texts of the batch. */
  int BATCH = 32;

  /**
   * Texts run together.
   *
   * @param tokens of all of them
   */
  record Sample(List<String> texts, int tokens) {}

  /**
   * Draws a workload: the texts nearest to {@link #SHORT_TOKENS} and {@link #LONG_TOKENS}, and
   * {@link #BATCH} others drawn with a seed, or all where there are fewer.
   *
   * @param tokens counts a text's tokens, as the model reads it
   */
  static OfTexts of(List<String> texts, ToIntFunction<String> tokens, long seed) {
    var drawn = new ArrayList<>(texts);
    Collections.shuffle(drawn, new Random(seed));
    return new OfTexts(
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
