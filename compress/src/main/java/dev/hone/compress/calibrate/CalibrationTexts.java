package dev.hone.compress.calibrate;

import dev.hone.compress.RecipeException;
import dev.hone.model.Batch;
import dev.hone.tokenizer.Encoding;
import dev.hone.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Texts as packed batches for a {@link Calibration}. */
public final class CalibrationTexts {
  /** Tokens of a batch: enough for kernels to be at their best, and small beside the weights. */
  private static final int BATCH_TOKENS = 2048;

  private CalibrationTexts() {}

  /**
   * Texts as an encoder reads them, each by itself, spread over their lengths: of all texts sorted
   * by length, evenly many.
   *
   * @param most texts that are taken
   * @param maxTokens of a text; longer ones are cut
   */
  public static List<Batch> texts(
      List<String> texts, int most, Tokenizer tokenizer, int maxTokens) {
    List<Encoding> encoded =
        texts.stream()
            .map(text -> tokenizer.encode(text, maxTokens))
            .filter(e -> e.size() > 0)
            .sorted(Comparator.comparingInt(Encoding::size))
            .toList();
    if (encoded.isEmpty()) {
      throw new RecipeException("there are no texts to calibrate with");
    }
    int count = Math.min(most, encoded.size());
    List<Encoding> chosen =
        IntStream.range(0, count)
            .mapToObj(i -> encoded.get((int) ((i + 0.5) * encoded.size() / count)))
            .toList();
    List<Batch> batches = new ArrayList<>();
    List<Encoding> group = new ArrayList<>();
    int tokens = 0;
    for (Encoding one : chosen) {
      if (!group.isEmpty() && tokens + one.size() > BATCH_TOKENS) {
        batches.add(batch(group));
        group.clear();
        tokens = 0;
      }
      group.add(one);
      tokens += one.size();
    }
    batches.add(batch(group));
    return batches;
  }

  private static Batch batch(List<Encoding> texts) {
    return Batch.of(
        texts.stream().map(Encoding::ids).toList(), texts.stream().map(Encoding::typeIds).toList());
  }

  /**
   * Windows of one text as a decoder reads them, spread evenly over it.
   *
   * @param most windows that are taken
   * @param window tokens of each; a shorter text is one window by itself
   */
  public static List<Batch> windows(String text, int most, int window, Tokenizer tokenizer) {
    int[] around = tokenizer.encode("", Tokenizer.UNLIMITED).ids();
    return windows(tokenizer.encodeAlone(text), most, window, around);
  }

  /**
   * The same of tokens.
   *
   * @param first what the tokenizer puts before a text; its first stands in the place of each
   *     window's
   */
  static List<Batch> windows(int[] ids, int most, int window, int[] first) {
    if (ids.length < 2) {
      throw new RecipeException("there is no text to calibrate with");
    }
    int size = Math.min(window, ids.length);
    int whole = ids.length / size;
    int count = Math.min(most, whole);
    List<int[]> windows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = (int) ((i + 0.5) * whole / count);
      int[] one = Arrays.copyOfRange(ids, at * size, (at + 1) * size);
      if (first.length > 0) {
        one[0] = first[0];
      }
      windows.add(one);
    }
    return batches(windows, size);
  }

  /**
   * Windows packed together.
   *
   * @param size tokens of a window
   */
  public static List<Batch> batches(List<int[]> windows, int size) {
    int perBatch = Math.max(1, BATCH_TOKENS / size);
    List<Batch> batches = new ArrayList<>();
    for (int i = 0; i < windows.size(); i += perBatch) {
      batches.add(Batch.of(windows.subList(i, Math.min(windows.size(), i + perBatch))));
    }
    return batches;
  }
}
