package dev.hone.runtime.generate;

import java.util.List;

/**
 * Finds where an answer must end, however its pieces cut the string that ends it: text is held back
 * as long as it may be the beginning of one.
 */
final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopStrings(List<String> stops) {
    this.stops = stops;
  }

  /** What can be told of the answer with another piece of it. */
  String add(String piece) {
    held.append(piece);
    int end = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      end = at < 0 ? end : Math.min(end, at);
    }
    if (end < Integer.MAX_VALUE) {
      found = true;
      return held.substring(0, end);
    }
    return take(held.length() - longestBeginning());
  }

  /** Whether the answer ended with the text told last. */
  boolean found() {
    return found;
  }

  /** What was held back and turned out to be no end. */
  String rest() {
    return found ? "" : take(held.length());
  }

  private String take(int count) {
    String text = held.substring(0, count);
    held.delete(0, count);
    return text;
  }

  /** Length of the longest end of the text that a stop string begins with. */
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
        if (held.indexOf(stop.substring(0, n), held.length() - n) >= 0) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
