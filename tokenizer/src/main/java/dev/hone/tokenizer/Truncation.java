package dev.hone.tokenizer;

/** Which text of a pair gives up tokens when both together are too long. */
public enum Truncation {
  /** The longer of the two, until both are of one length; from then on both alike. */
  LONGEST_FIRST {
    @Override
    int firstKept(int first, int second, int room) {
      if (first + second <= room) {
        return first;
      }
      int shorter = Math.min(Math.min(first, second), room / 2);
      return first <= second ? shorter : room - shorter;
    }
  },

  /** The first, say a text next to a fixed hypothesis; the second must fit whole. */
  ONLY_FIRST {
    @Override
    int firstKept(int first, int second, int room) {
      return Math.min(first, room - second);
    }
  },

  /** The second, say the passage next to a question; the first must fit whole. */
  ONLY_SECOND {
    @Override
    int firstKept(int first, int second, int room) {
      return first;
    }
  };

  /**
   * How many tokens of the first text stay where {@code room} tokens of both may; the second gets
   * the rest.
   */
  abstract int firstKept(int first, int second, int room);
}
