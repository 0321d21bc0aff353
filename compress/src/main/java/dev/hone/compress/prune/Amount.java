package dev.hone.compress.prune;

import dev.hone.compress.RecipeException;

/** How much is taken away of what stands to choice: what matters least goes first. */
public sealed interface Amount {

  /** A share of all, rounded to the nearest whole number. */
  record Share(double of) implements Amount {
    public Share {
      if (!(of >= 0 && of < 1)) {
        throw new IllegalArgumentException(
            "a share of " + of + ": from 0 to below 1, such as 50% or 0.5");
      }
    }
  }

  /** So many. */
  record Count(long of) implements Amount {
    public Count {
      if (of < 0) {
        throw new IllegalArgumentException("a count of " + of + ": must not be negative");
      }
    }
  }

  /** All whose importance is below a threshold. */
  record Below(double importance) implements Amount {
    public Below {
      if (!(importance >= 0)) {
        throw new IllegalArgumentException("below:" + importance + ": must not be negative");
      }
    }
  }

  /** What starts a threshold, as in {@code below:0.01}. */
  String BELOW = "below:";

  /**
   * Reads {@code 50%}, {@code 0.5}, the count {@code 3} or the threshold {@code below:0.01}.
   *
   * @throws IllegalArgumentException where it is none of these
   */
  static Amount of(String text) {
    try {
      if (text.startsWith(BELOW)) {
        return new Below(Double.parseDouble(text.substring(BELOW.length())));
      }
      if (text.endsWith("%")) {
        return new Share(Double.parseDouble(text.substring(0, text.length() - 1)) / 100);
      }
      return text.contains(".") || text.equals("0")
          ? new Share(Double.parseDouble(text))
          : new Count(Long.parseLong(text));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is no amount: a share as 50% or 0.5, a count as 3, or below:0.01", e);
    }
  }

  /** As {@link #of} reads it. */
  default String label() {
    return switch (this) {
      case Share share -> Double.toString(share.of);
      case Count count -> Long.toString(count.of);
      case Below below -> BELOW + below.importance;
    };
  }

  /**
   * How many of so many that is.
   *
   * @throws RecipeException where that are all or more
   */
  default long of(long all) {
    return switch (this) {
      case Share share -> (long) Math.rint(share.of * all);
      case Count count -> {
        if (count.of >= all) {
          throw new RecipeException(
              count.of + " of " + all + " are to be taken away: something must be left");
        }
        yield count.of;
      }
      case Below _ ->
          throw new IllegalArgumentException(label() + " is a threshold, no number of things");
    };
  }
}
