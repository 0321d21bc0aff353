package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import dev.hone.tokenizer.Truncation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Takes any number of texts or pairs through tokenizer and model in packed batches. Answers come in
 * the order of what was given; what had to be cut is reported.
 */
record PackedRun(
    Model model, Tokenizer tokenizer, Engine engine, ComputePool pool, EncoderOptions options) {
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
    if (options.maxTokens().isPresent()) {
      int asked = options.maxTokens().getAsInt();
      if (asked > positions) {
        throw new UnsupportedByModelException(
            model.folder() + " reads at most " + positions + " tokens: maxTokens=" + asked);
      }
      return asked;
    }
    return Math.min(
        positions,
        model.text().maxTokens().orElseGet(() -> tokenizer.modelMaxTokens().orElse(positions)));
  }

  /** The head, which must be of that kind. */
  <H extends Head> H head(Class<H> kind, String lack) {
    Head head = engine.model().head();
    if (!kind.isInstance(head)) {
      throw new UnsupportedByModelException(
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
    long budget = (long) options.tokenBudget() * options.threads();
    for (int from = 0; from < count; from += CHUNK) {
      List<Encoding> chunk = encodings(from, Math.min(from + CHUNK, count), encode);
      reportCuts(chunk, from, perText);
      for (List<Encoding> group : Packing.groups(chunk, budget)) {
        answer(group, engine.run(Packing.batch(group)), answer, answers);
      }
    }
    return answers;
  }

  /**
   * Adds the answers of one batch. Apart from {@link #run}, so that a loop over texts does not make
   * the JVM compile the whole of the forward pass into the method around it: that takes its
   * compiler 30 MB, after minutes in which nothing else grew.
   */
  private <R> void answer(List<Encoding> group, float[][] rows, Answer<R> answer, List<R> answers) {
    int row = 0;
    for (Encoding encoding : group) {
      int next = row + (answersPerToken() ? encoding.size() : 1);
      answers.add(answer.of(answers.size(), encoding, Arrays.copyOfRange(rows, row, next)));
      row = next;
    }
  }

  /** Encodes on the threads that compute, so that no more than asked for are at work. */
  private List<Encoding> encodings(int from, int to, IntFunction<Encoding> encode) {
    var encodings = new Encoding[to - from];
    pool.run(encodings.length, i -> encodings[i] = encode.apply(from + i));
    return Arrays.asList(encodings);
  }

  private boolean answersPerToken() {
    return switch (engine.model().head()) {
      case Head.HiddenStates _, Head.TokenLabels _, Head.NextToken _ -> true;
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
