package dev.hone.model.format.compressed;

import dev.hone.model.format.FormatException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression that a layer's name must begin with. It comes from a file, and some expressions
 * take exponential time: the characters that it may look at are counted.
 */
record LayerPattern(String source, String regex, Pattern compiled)
    implements Comparable<LayerPattern> {
  private static final int MAX_LENGTH = 1000;
  private static final int MAX_STEPS = 200_000;

  LayerPattern(String source, String regex) {
    this(source, regex, compile(source, regex));
  }

  private static Pattern compile(String source, String regex) {
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

  boolean matches(String layer) {
    try {
      return compiled.matcher(new Counted(layer, new int[1])).lookingAt();
    } catch (StepsExhausted | StackOverflowError e) {
      throw new FormatException(source + ": re:" + regex + " takes too long to match " + layer, e);
    }
  }

  @Override
  public int compareTo(LayerPattern other) {
    return regex.compareTo(other.regex);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerPattern pattern && pattern.regex.equals(regex);
  }

  @Override
  public int hashCode() {
    return regex.hashCode();
  }

  private static final class StepsExhausted extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** A name that counts how often it is looked at. */
  private record Counted(CharSequence name, int[] steps) implements CharSequence {
    @Override
    public char charAt(int index) {
      if (++steps[0] > MAX_STEPS) {
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
      return new Counted(name.subSequence(start, end), steps);
    }

    @Override
    public String toString() {
      return name.toString();
    }
  }
}
