package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import dev.hone.tokenizer.Truncation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Takes any number of texts or pairs through tokenizer and model in packed batches. Answers come in
 * the order of what was given; what had to be cut is reported.
 */
record PackedRun(Model model, Tokenizer tokenizer, Engine engine, EncoderOptions options) {
  /** Inputs that are tokenized at once: bounds the memory of a long list. */
  private static final int CHUNK = 1024;

  /** What becomes of what the model answered. */
  interface Answer<R> {
    /**
     * The answer to one input.
     *
     * @param input index of the text or pair
     * @param rows what the head answered: one row, or one a token
     */
    R of(int input, Encoding encoding, float[][] rows);
  }

  /** Tokens of an input that the model reads. */
  int maxTokens() {
    int positions = model.transformer().embeddings().maxTokens();
    int published =
        model.text().maxTokens().orElseGet(() -> tokenizer.modelMaxTokens().orElse(positions));
    return Math.min(positions, options.maxTokens().orElse(published));
  }

  /** The head, which must be of that kind. */
  <H extends Head> H head(Class<H> kind, String lack) {
    Head head = engine.model().head();
    if (!kind.isInstance(head)) {
      throw new IllegalStateException(
          model.folder() + " has " + lack + ": its head is " + head.getClass().getSimpleName());
    }
    return kind.cast(head);
  }

  <R> List<R> texts(List<String> texts, Answer<R> answer) {
    int limit = maxTokens();
    return run(texts.size(), 1, i -> tokenizer.encode(texts.get(i), limit), answer);
  }

  /**
   * Runs pairs.
   *
   * @param perText pairs that are made from one text, one after the other: its cut is told once
   */
  <R> List<R> pairs(
      int count,
      int perText,
      IntFunction<TextPair> pairs,
      Truncation truncation,
      Answer<R> answer) {
    int limit = maxTokens();
    return run(
        count,
        perText,
        i -> {
          TextPair pair = pairs.apply(i);
          return tokenizer.encodePair(pair.first(), pair.second(), limit, truncation);
        },
        answer);
  }

  private <R> List<R> run(int count, int perText, IntFunction<Encoding> encode, Answer<R> answer) {
    List<R> answers = new ArrayList<>(count);
    for (int from = 0; from < count; from += CHUNK) {
      List<Encoding> chunk =
          IntStream.range(from, Math.min(from + CHUNK, count)).parallel().mapToObj(encode).toList();
      reportCuts(chunk, from, perText);
      for (List<Encoding> group : Packing.groups(chunk, options.tokenBudget())) {
        float[][] rows = engine.run(Packing.batch(group));
        int row = 0;
        for (Encoding encoding : group) {
          int next = row + (answersPerToken() ? encoding.size() : 1);
          answers.add(answer.of(answers.size(), encoding, Arrays.copyOfRange(rows, row, next)));
          row = next;
        }
      }
    }
    return answers;
  }

  private boolean answersPerToken() {
    return switch (engine.model().head()) {
      case Head.HiddenStates _, Head.TokenLabels _ -> true;
      case Head.SequenceLabels _, Head.SentenceEmbedding _ -> false;
    };
  }

  private void reportCuts(List<Encoding> chunk, int from, int perText) {
    int reported = -1;
    for (int i = 0; i < chunk.size(); i++) {
      Encoding encoding = chunk.get(i);
      int text = (from + i) / perText;
      if (encoding.cut() > 0 && text != reported) {
        options.onCut().accept(new Cut(text, encoding.size() + encoding.cut(), encoding.size()));
        reported = text;
      }
    }
  }
}
