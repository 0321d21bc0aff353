package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code texts.jsonl}, the text Hone measures on when it is given none, promises. */
class TextsTest {
  private static final Set<String> KINDS =
      Set.of(
          "article",
          "code",
          "dialogue",
          "legal",
          "log",
          "mail",
          "medical",
          "news",
          "note",
          "query",
          "question",
          "recipe",
          "review",
          "statement",
          "support",
          "table");
  private static final Set<String> LANGUAGES =
      Set.of("en de fr es it pt pl tr ru el zh ja ko ar hi".split(" "));
  private static final Pattern SPACE = Pattern.compile("\\s+");
  private static final Pattern NOT_A_WORD = Pattern.compile("[^\\p{L}\\p{N}]+");

  private static final List<Line> LINES = lines();
  private static final List<Line> CHOOSE = part("choose");
  private static final List<Line> REPORT = part("report");

  /** Field for field one line of the file; a missing or unknown field fails. */
  private record Line(String text, String kind, String language, String part) {
    /** Chinese and Japanese write no spaces: there a character counts as a word. */
    int words() {
      boolean spaceless = language.equals("zh") || language.equals("ja");
      return spaceless
          ? Math.toIntExact(text.codePoints().filter(c -> !Character.isWhitespace(c)).count())
          : SPACE.split(text).length;
    }

    Set<String> vocabulary() {
      var words = new HashSet<>(List.of(NOT_A_WORD.split(text.toLowerCase(Locale.ROOT))));
      words.remove("");
      return words;
    }
  }

  @Test
  void holdsAtLeast600TextsOf3To300Words() {
    assertThat(LINES).hasSizeGreaterThanOrEqualTo(600);
    assertThat(LINES)
        .allSatisfy(
            line -> {
              assertThat(line.text()).isEqualTo(line.text().strip());
              assertThat(line.words()).as(line.text()).isBetween(3, 300);
            });
  }

  @ParameterizedTest(name = "{0} to {1} words: {2} %")
  @CsvSource({"3, 10, 25", "11, 30, 35", "31, 90, 25", "91, 300, 15"})
  void lengthsAreSpreadInBothHalves(int from, int to, double percent) {
    for (List<Line> half : List.of(CHOOSE, REPORT)) {
      long inside = half.stream().filter(l -> from <= l.words() && l.words() <= to).count();
      assertThat(100.0 * inside / half.size()).isCloseTo(percent, within(2.5));
    }
  }

  @Test
  void halvesAreOfOneSize() {
    assertThat(CHOOSE.size() + REPORT.size()).isEqualTo(LINES.size());
    assertThat((double) CHOOSE.size() / REPORT.size()).isCloseTo(1, within(0.05));
    assertThat((double) words(CHOOSE) / words(REPORT)).isCloseTo(1, within(0.10));
  }

  @Test
  void everyKindAndLanguageIsInBothHalvesAlike() {
    assertThat(counts(LINES, Line::kind)).containsOnlyKeys(KINDS);
    assertThat(counts(LINES, Line::language)).containsOnlyKeys(LANGUAGES);
    for (Function<Line, String> key : List.<Function<Line, String>>of(Line::kind, Line::language)) {
      Map<String, Long> choose = counts(CHOOSE, key);
      Map<String, Long> report = counts(REPORT, key);
      assertThat(choose.keySet()).isEqualTo(report.keySet());
      choose.forEach((k, n) -> assertThat(report.get(k)).as(k).isCloseTo(n, within(2L)));
    }
    double english = counts(LINES, Line::language).get("en");
    assertThat(english / LINES.size()).isBetween(0.8, 0.95);
  }

  @Test
  void noTextStandsTwice() {
    assertThat(LINES).extracting(l -> l.text().toLowerCase(Locale.ROOT)).doesNotHaveDuplicates();
  }

  /** Whoever chooses on one wording must not be judged on another wording of the same text. */
  @Test
  void noTextOfOneHalfIsNearlyOneOfTheOther() {
    List<Set<String>> reported = REPORT.stream().map(Line::vocabulary).toList();
    var alike = new ArrayList<String>();
    for (Line chosen : CHOOSE) {
      Set<String> a = chosen.vocabulary();
      for (int i = 0; i < reported.size(); i++) {
        Set<String> b = reported.get(i);
        long shared = a.stream().filter(b::contains).count();
        if (2 * shared >= a.size() + b.size() - shared) {
          alike.add(chosen.text() + " <-> " + REPORT.get(i).text());
        }
      }
    }
    assertThat(alike).as("pairs that share half of their words").isEmpty();
  }

  private static List<Line> part(String name) {
    return LINES.stream().filter(l -> l.part().equals(name)).toList();
  }

  private static int words(List<Line> lines) {
    return lines.stream().mapToInt(Line::words).sum();
  }

  private static Map<String, Long> counts(List<Line> lines, Function<Line, String> key) {
    return lines.stream().collect(Collectors.groupingBy(key, Collectors.counting()));
  }

  private static List<Line> lines() {
    var json =
        JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    try (InputStream in = TextsTest.class.getResourceAsStream("texts.jsonl")) {
      var lines = new ArrayList<Line>();
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
        lines.add(json.readValue(line, Line.class));
      }
      return List.copyOf(lines);
    } catch (IOException e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
