package dev.hone.measure.language;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.language.Windows.Part;
import dev.hone.measure.language.Windows.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * How surprised a model is by a text: the exponential of the mean of {@code -log p} of its tokens,
 * each foretold from those before it in its window.
 *
 * @param all of every token that is scored
 * @param secondHalf of those that have more than half a window before them, which is what
 *     llama.cpp's perplexity counts
 */
public record Perplexity(WindowSums all, WindowSums secondHalf) {

  /**
   * Reads a text's windows one after the other.
   *
   * @param ids of the text
   * @param done told how many windows are
   */
  public static Perplexity of(LanguageModel model, int[] ids, Windows windows, IntConsumer done) {
    model.requireRoomFor(windows);
    List<Window> list = windows.of(ids.length);
    List<double[]> losses = new ArrayList<>();
    try (LanguageModel.Reader reader = model.reader()) {
      for (Window window : list) {
        losses.add(losses(model, reader, ids, window));
        done.accept(losses.size());
      }
    }
    return new Perplexity(
        WindowSums.of(losses), WindowSums.of(WindowSums.secondHalf(losses, list, windows)));
  }

  private static double[] losses(
      LanguageModel model, LanguageModel.Reader reader, int[] text, Window window) {
    int[] ids = model.read(text, window);
    double[] losses = new double[window.count()];
    int first = window.scored() - window.from();
    reader.begin(window.tokens());
    for (Part part : window.parts(model.chunk())) {
      int[] tokens = Arrays.copyOfRange(ids, part.from(), part.to());
      if (!part.scored()) {
        reader.skip(tokens);
        continue;
      }
      reader.read(
          tokens,
          logits ->
              model
                  .pool()
                  .run(
                      tokens.length,
                      row -> {
                        int place = part.from() + row + 1;
                        losses[place - first] = -LogProbabilities.of(logits, row).of(ids[place]);
                      }));
    }
    return losses;
  }

  /** The perplexity with its interval, windows drawn again. */
  public static Estimate estimate(WindowSums losses, Bootstrap bootstrap) {
    Estimate loss = losses.mean(bootstrap);
    return new Estimate(Math.exp(loss.value()), Math.exp(loss.low()), Math.exp(loss.high()));
  }
}
