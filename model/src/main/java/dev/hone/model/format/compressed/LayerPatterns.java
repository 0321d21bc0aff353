package dev.hone.model.format.compressed;

import dev.hone.model.format.FormatException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Regular expressions from one file, with which the names of layers must begin. */
final class LayerPatterns {
  private static final int MAX_LENGTH = 1000;

  /**
   * Some expressions take exponential time, so the characters that all of them look at are counted.
   */
  private static final long MAX_STEPS = 50_000_000;

  private final String source;
  private long steps;

  LayerPatterns(String source) {
    this.source = source;
  }

  Pattern compile(String regex) {
    if (regex.length() > MAX_LENGTH) {
      throw new FormatException(
          source + ": a pattern of " + regex.length() + " characters; at most " + MAX_LENGTH);
    }
    try {
      return Pattern.compile(regex);
    } catch (PatternSyntaxException e) {
      throw new FormatException(source + ": re:" + regex + ": " + e.getDescription(), e);
    }
  }

  /** Whether the name begins with the pattern, as Python's {@code re.match} has it. */
  boolean matches(Pattern pattern, String layer) {
    try {
      return pattern.matcher(new Counted(layer)).lookingAt();
    } catch (StepsExhausted | StackOverflowError e) {
      throw new FormatException(
          source + ": re:" + pattern + " takes too long to match " + layer, e);
    }
  }

  private static final class StepsExhausted extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** A name that counts how often it is looked at. */
  private final class Counted implements CharSequence {
    private final CharSequence name;

    Counted(CharSequence name) {
      this.name = name;
    }

    @Override
    public char charAt(int index) {
      if (++steps > MAX_STEPS) {
        throw new StepsExhausted();
      }
      return name.charAt(index);
    }

    @Override
    public int length() {
      return name.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return new Counted(name.subSequence(start, end));
    }

    @Override
    public String toString() {
      return name.toString();
    }
  }
}
