package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  /**
   * Texts and stops of few letters, cut anywhere: what is told is the text up to the first stop.
   */
  @Test
  void nothingOfAStopIsTold() {
    for (int seed = 0; seed < 5000; seed++) {
      Random random = new Random(seed);
      String text = letters(random, 30);
      List<String> stops =
          List.of(letters(random, 1 + random.nextInt(4)), letters(random, 2 + random.nextInt(5)));
      var strings = new StopStrings(stops);
      var told = new StringBuilder();
      int longest = stops.stream().mapToInt(String::length).max().orElseThrow();
      for (int at = 0, next; at < text.length() && !strings.found(); at = next) {
        next = Math.min(text.length(), at + 1 + random.nextInt(5));
        told.append(strings.add(text.substring(at, next)));
        if (!strings.found()) {
          assertThat(next - told.length()).as("held back").isLessThan(longest);
        }
      }
      told.append(strings.rest());
      int end =
          stops.stream().mapToInt(text::indexOf).filter(i -> i >= 0).min().orElse(text.length());
      assertThat(strings.found()).isEqualTo(end < text.length());
      // Where two stops end in one piece, the first to begin is it; a later piece cannot undo it.
      assertThat(told.toString())
          .as("seed %d: %s in %s", seed, stops, text)
          .isIn(told(text, stops));
    }
  }

  /** The text up to each stop: a longer one that began earlier may not have ended yet. */
  private static List<String> told(String text, List<String> stops) {
    List<String> possible =
        stops.stream().filter(text::contains).map(s -> text.substring(0, text.indexOf(s))).toList();
    return possible.isEmpty() ? List.of(text) : possible;
  }

  private static String letters(Random random, int length) {
    return random
        .ints(length, 'a', 'd')
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
