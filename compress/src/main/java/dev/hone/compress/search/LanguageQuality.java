package dev.hone.compress.search;

import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.language.Divergence;
import dev.hone.measure.language.Windows;
import dev.hone.measure.language.Windows.Window;
import dev.hone.model.Batch;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * For decoders: original and candidate read windows of a text side by side, and no logits are kept
 * but those of a few tokens. The loss is the mean Kullback-Leibler divergence, in nats, from the
 * original's probabilities of the next token, which needs no labels, or the rise of perplexity.
 */
public final class LanguageQuality extends Quality<DecoderSubject> {
  /** Windows of {@link Part#SAMPLE}. */
  private static final int SAMPLE = 2;

  private final Loss loss;
  private final Texts texts;
  private final Map<Part, Read> parts = new EnumMap<>(Part.class);
  private final Map<Part, Judgement> unchanged = new EnumMap<>(Part.class);
  private DecoderSubject original; // null before it was asked

  /** What is kept within the budget. */
  public enum Loss {
    DIVERGENCE("mean KL divergence from the original's probabilities of the next token, in nats"),
    PERPLEXITY("rise of perplexity relative to the original's");

    private final String meaning;

    Loss(String meaning) {
      this.meaning = meaning;
    }
  }

  /**
   * What models read.
   *
   * @param choose the text to choose by
   * @param report the text to report by; null: every other window of the one to choose by
   * @param source where they come from, as reports say it
   * @param window tokens of a window
   * @param windows of each part at most, spread evenly over it
   */
  public record Texts(String choose, String report, String source, int window, int windows) {
    private String digest() {
      var sum = new CRC32C();
      sum.update(choose.getBytes(StandardCharsets.UTF_8));
      if (report != null) {
        sum.update('\n');
        sum.update(report.getBytes(StandardCharsets.UTF_8));
      }
      return windows + " windows of " + window + ", " + Long.toHexString(sum.getValue());
    }
  }

  /** Windows of a text's tokens. */
  private record Read(int[] ids, List<Window> windows) {}

  public LanguageQuality(Loss loss, Texts texts) {
    this.loss = loss;
    this.texts = texts;
  }

  @Override
  public String lossMeaning() {
    return loss.meaning;
  }

  @Override
  public String source() {
    return texts.source();
  }

  @Override
  String unit() {
    return "windows";
  }

  @Override
  String texts() {
    return texts.digest();
  }

  @Override
  List<Batch> calibration(DecoderSubject asked) {
    Read read = parts(asked).get(Part.CHOOSE);
    return CalibrationTexts.batches(
        read.windows.stream().map(window -> asked.language().read(read.ids, window)).toList(),
        texts.window);
  }

  @Override
  void remember(DecoderSubject asked) {
    original = asked;
    parts(asked);
  }

  private Map<Part, Read> parts(DecoderSubject asked) {
    if (!parts.isEmpty()) {
      return parts;
    }
    int[] ids = asked.language().ids(texts.choose);
    List<Window> all = windows(ids);
    List<Window> choose;
    if (texts.report == null) {
      parts.put(Part.REPORT, new Read(ids, spread(every(all, 1), texts.windows)));
      choose = every(all, 0);
    } else {
      int[] others = asked.language().ids(texts.report);
      parts.put(Part.REPORT, new Read(others, spread(windows(others), texts.windows)));
      choose = all;
    }
    choose = spread(choose, texts.windows);
    parts.put(Part.CHOOSE, new Read(ids, choose));
    parts.put(Part.SAMPLE, new Read(ids, spread(choose, SAMPLE)));
    Halves.requireEnough(
        unit(),
        choose.size(),
        parts.get(Part.REPORT).windows.size(),
        "take a longer text or smaller windows (--window, now " + texts.window + " tokens)");
    return parts;
  }

  private List<Window> windows(int[] ids) {
    return new Windows(texts.window, texts.window, Integer.MAX_VALUE).of(ids.length);
  }

  /** The first and every other behind it, or the second. */
  private static List<Window> every(List<Window> all, int first) {
    return IntStream.iterate(first, i -> i < all.size(), i -> i + 2).mapToObj(all::get).toList();
  }

  private static List<Window> spread(List<Window> all, int most) {
    int count = Math.min(most, all.size());
    return IntStream.range(0, count)
        .mapToObj(i -> all.get((int) ((i + 0.5) * all.size() / count)))
        .toList();
  }

  private Divergence.Found found(DecoderSubject candidate, Part part) {
    Read read = parts.get(part);
    return Divergence.of(original.language(), candidate.language(), read.ids, read.windows);
  }

  @Override
  double divergence(DecoderSubject candidate) {
    return found(candidate, Part.SAMPLE).divergence(Bootstrap.STANDARD).value();
  }

  @Override
  Judgement ofOriginal(Part part) {
    return unchanged.computeIfAbsent(part, p -> of(original, p));
  }

  /**
   * {@inheritDoc} On a text that is as the original foretells it, perplexity rises by the
   * exponential of the divergence: that is what is promised of it.
   */
  @Override
  Judgement of(DecoderSubject candidate, Part part) {
    Bootstrap bootstrap = Bootstrap.STANDARD;
    Divergence.Found found = found(candidate, part);
    Estimate divergence = found.divergence(bootstrap);
    Map<String, Estimate> metrics = new LinkedHashMap<>();
    metrics.put("perplexity", found.perplexity(bootstrap));
    metrics.put("same first choice", found.sameTop(bootstrap));
    boolean perplexity = loss == Loss.PERPLEXITY;
    if (perplexity) {
      metrics.put("divergence", divergence);
    }
    return new Judgement(
        found.windows().size(),
        perplexity ? found.perplexityRise(bootstrap) : divergence,
        divergence.value(),
        perplexity ? Math.expm1(divergence.value()) : divergence.value(),
        null,
        null,
        metrics,
        List.of());
  }
}
