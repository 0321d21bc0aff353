package dev.hone.measure.language;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Statistics;
import dev.hone.measure.TaskException;
import dev.hone.measure.language.Windows.Part;
import dev.hone.measure.language.Windows.Window;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;

/**
 * How near a model stays to a reference, token by token of a text that both read in step: the
 * figures of llama.cpp's {@code perplexity --kl-divergence}. No logits are kept but those of a few
 * tokens.
 *
 * @param all what was found at every token that is scored
 * @param secondHalf at those with more than half a window before them, which are the ones that
 *     llama.cpp counts
 */
public record Divergence(Found all, Found secondHalf) {

  /**
   * What was found at one token.
   *
   * @param divergence Kullback-Leibler, in nats, from the reference's probabilities of all entries
   *     to the model's
   * @param sameTop whether the likeliest entry is the same
   * @param shift by how much the model gives the text's token a higher probability
   * @param referenceLoss {@code -log p} of the text's token
   * @param loss the same of the model
   */
  public record Token(
      double divergence, boolean sameTop, double shift, double referenceLoss, double loss) {}

  /** What was found in windows of a text. */
  public record Found(List<Token[]> windows) {
    public Found {
      windows = List.copyOf(windows);
    }

    /** Tokens that were scored. */
    public int tokens() {
      return windows.stream().mapToInt(w -> w.length).sum();
    }

    /** Mean divergence of a token's probabilities. */
    public Estimate divergence(Bootstrap bootstrap) {
      return sums(Token::divergence).mean(bootstrap);
    }

    /** The divergence below which {@code percent} of the tokens lie. */
    public double divergence(double percent) {
      double[] all =
          windows.stream().flatMap(Arrays::stream).mapToDouble(Token::divergence).toArray();
      return Statistics.percentile(all, percent);
    }

    /** Share of the tokens at which both models have the same first choice. */
    public Estimate sameTop(Bootstrap bootstrap) {
      return sums(at -> at.sameTop ? 1 : 0).mean(bootstrap);
    }

    /** Root of the mean square of the shifts of the probability of the text's tokens. */
    public Estimate shift(Bootstrap bootstrap) {
      Estimate square = sums(at -> at.shift * at.shift).mean(bootstrap);
      return new Estimate(
          Math.sqrt(square.value()), Math.sqrt(square.low()), Math.sqrt(square.high()));
    }

    public Estimate referencePerplexity(Bootstrap bootstrap) {
      return Perplexity.estimate(sums(Token::referenceLoss), bootstrap);
    }

    public Estimate perplexity(Bootstrap bootstrap) {
      return Perplexity.estimate(sums(Token::loss), bootstrap);
    }

    /** By how much the model's perplexity is above the reference's, relative to that. */
    public Estimate perplexityRise(Bootstrap bootstrap) {
      Estimate ratio = Perplexity.estimate(sums(at -> at.loss - at.referenceLoss), bootstrap);
      return new Estimate(ratio.value() - 1, ratio.low() - 1, ratio.high() - 1);
    }

    private WindowSums sums(ToDoubleFunction<Token> figure) {
      return WindowSums.of(
          windows.stream().map(w -> Arrays.stream(w).mapToDouble(figure).toArray()).toList());
    }
  }

  /**
   * Reads a text's windows one after the other with both models.
   *
   * @param text of which the windows are read
   * @param done told how many windows are
   * @throws TaskException where the models cut the text into other tokens, or have logits of
   *     another number of entries
   */
  public static Divergence of(
      LanguageModel reference,
      LanguageModel model,
      String text,
      Windows windows,
      IntConsumer done) {
    reference.requireRoomFor(windows);
    model.requireRoomFor(windows);
    if (reference.vocabulary() != model.vocabulary()) {
      throw new TaskException(
          "logits of "
              + reference.vocabulary()
              + " and "
              + model.vocabulary()
              + " entries: models compare where they have one vocabulary");
    }
    int[] ids = reference.ids(text);
    if (!Arrays.equals(ids, model.ids(text))) {
      throw new TaskException(
          "the models' tokenizers cut the text into other tokens: models compare where it has the"
              + " same ones");
    }
    List<Window> list = windows.of(ids.length);
    List<Token[]> found = windows(reference, model, ids, list, done);
    List<Token[]> halves = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      Token[] all = found.get(i);
      halves.add(Arrays.copyOfRange(all, list.get(i).countBefore(windows.half()), all.length));
    }
    return new Divergence(new Found(found), new Found(halves));
  }

  /**
   * Reads some windows of a text's tokens with both models.
   *
   * @param ids of the text, which both models' tokenizers have cut so
   */
  public static Found of(
      LanguageModel reference, LanguageModel model, int[] ids, List<Window> windows) {
    return new Found(windows(reference, model, ids, windows, _ -> {}));
  }

  private static List<Token[]> windows(
      LanguageModel reference,
      LanguageModel model,
      int[] ids,
      List<Window> windows,
      IntConsumer done) {
    List<Token[]> found = new ArrayList<>();
    try (LanguageModel.Reader ours = model.reader();
        LanguageModel.Reader theirs = reference.reader()) {
      for (Window window : windows) {
        Token[] all = new Token[window.count()];
        compare(new Pair(reference, theirs, model, ours), ids, window, all);
        found.add(all);
        done.accept(found.size());
      }
    }
    return found;
  }

  private record Pair(
      LanguageModel reference,
      LanguageModel.Reader theirs,
      LanguageModel model,
      LanguageModel.Reader ours) {}

  private static void compare(Pair pair, int[] text, Window window, Token[] found) {
    int[] theirs = pair.reference.read(text, window);
    int[] ours = pair.model.read(text, window);
    int first = window.scored() - window.from();
    pair.theirs.begin(window.tokens());
    pair.ours.begin(window.tokens());
    for (Part part : window.parts(pair.model.chunk())) {
      int[] theirPart = Arrays.copyOfRange(theirs, part.from(), part.to());
      int[] ourPart = Arrays.copyOfRange(ours, part.from(), part.to());
      if (!part.scored()) {
        pair.theirs.skip(theirPart);
        pair.ours.skip(ourPart);
        continue;
      }
      try (Arena arena = Arena.ofShared()) {
        Tensor p = pair.theirs.kept(theirPart, arena); // both may be one engine
        pair.ours.read(
            ourPart,
            q ->
                pair.model
                    .pool()
                    .run(
                        ourPart.length,
                        row -> {
                          int place = part.from() + row + 1;
                          found[place - first] =
                              at(
                                  LogProbabilities.of(p, row),
                                  LogProbabilities.of(q, row),
                                  text[window.from() + place]);
                        }));
      }
    }
  }

  private static Token at(LogProbabilities reference, LogProbabilities model, int token) {
    double p = reference.of(token);
    double q = model.of(token);
    return new Token(
        reference.divergence(model),
        reference.likeliest() == model.likeliest(),
        Math.exp(q) - Math.exp(p),
        -p,
        -q);
  }
}
