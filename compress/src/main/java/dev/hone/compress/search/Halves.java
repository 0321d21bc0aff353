package dev.hone.compress.search;

import dev.hone.measure.Texts;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * Texts or examples in two parts: what is used to choose is never what is reported.
 *
 * @param source where they come from, as reports say it
 */
public record Halves<T>(List<T> choose, List<T> report, String source) {
  /** Fewer decide nothing. */
  private static final int LEAST = 20;

  /** Of those to choose by, for what is asked often. */
  private static final int SAMPLE = 128;

  private static final long SEED = 1;

  public Halves {
    choose = List.copyOf(choose);
    report = List.copyOf(report);
    requireEnough("texts", choose.size(), report.size(), "give more of them");
  }

  /** Fewer tell nothing. */
  static void requireEnough(String unit, int choose, int report, String remedy) {
    if (choose < LEAST || report < LEAST) {
      throw new TooFewTextsException(
          choose
              + " "
              + unit
              + " to choose by and "
              + report
              + " to report by: at least "
              + LEAST
              + " of each are needed; "
              + remedy);
    }
  }

  /** Hone's own texts. */
  public static Halves<String> ownTexts() {
    return new Halves<>(
        Texts.of(Texts.Part.CHOOSE), Texts.of(Texts.Part.REPORT), "Hone's own texts");
  }

  /** One half drawn to choose by, the other to report by. */
  public static <T> Halves<T> drawn(List<T> all, String source) {
    var drawn = new ArrayList<>(all);
    Collections.shuffle(drawn, new Random(SEED));
    int middle = drawn.size() / 2;
    return new Halves<>(
        drawn.subList(0, middle),
        drawn.subList(middle, drawn.size()),
        source + ", one half drawn to choose by, the other to report by");
  }

  /** Of all texts and where they stand. */
  String digest() {
    var sum = new CRC32C();
    for (T text : choose) {
      sum.update(text.toString().getBytes(StandardCharsets.UTF_8));
    }
    sum.update('\n');
    for (T text : report) {
      sum.update(text.toString().getBytes(StandardCharsets.UTF_8));
    }
    return choose.size() + "+" + report.size() + ", " + Long.toHexString(sum.getValue());
  }

  /** What one part consists of. */
  List<T> of(Quality.Part part) {
    return switch (part) {
      case CHOOSE -> choose;
      case REPORT -> report;
      case SAMPLE -> {
        int step = Math.ceilDiv(choose.size(), SAMPLE);
        yield IntStream.iterate(0, i -> i < choose.size(), i -> i + step)
            .mapToObj(choose::get)
            .toList();
      }
    };
  }
}
