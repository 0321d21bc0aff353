package dev.hone.measure.language;

import dev.hone.measure.TaskException;
import java.util.ArrayList;
import java.util.List;

/**
 * The stretches in which a text's tokens are read, each for itself. Plain windows stand side by
 * side, and every token is scored but the first of each. Strided ones overlap, and score only what
 * the one before has not: more tokens to read, and more context for each that is scored.
 *
 * @param size tokens of a window
 * @param stride tokens from one window to the next: {@code size} for plain ones
 * @param most windows, from the beginning of the text
 */
public record Windows(int size, int stride, int most) {
  /** A second half has a token to score. */
  private static final int LEAST = 4;

  public Windows {
    if (size < LEAST || stride < 1 || stride > size || most < 1) {
      throw new TaskException(
          "window="
              + size
              + ", stride="
              + stride
              + ", windows="
              + most
              + ": a window has at least "
              + LEAST
              + " tokens, the stride from 1 to as many, and there is at least one window");
    }
  }

  /**
   * One of them.
   *
   * @param from first token, by its place in the text
   * @param to behind the last token
   * @param scored first token that is scored
   */
  public record Window(int from, int to, int scored) {
    int tokens() {
      return to - from;
    }

    /** Tokens that are scored. */
    int count() {
      return to - scored;
    }

    /** Of these, how many come before the second half of a window of that size. */
    int countBefore(int half) {
      return Math.clamp(from + half + 1L - scored, 0, count());
    }

    /**
     * The tokens that must be read, all but the last, some at once; no part has both tokens whose
     * answers are scored and others.
     */
    List<Part> parts(int most) {
      int first = scored - from - 1;
      List<Part> parts = new ArrayList<>();
      for (int at = 0, next; at < tokens() - 1; at = next) {
        next = Math.min(at + most, at < first ? first : tokens() - 1);
        parts.add(new Part(at, next, at >= first));
      }
      return parts;
    }
  }

  /**
   * Tokens of a window that are read at once.
   *
   * @param from place of the first in the window
   * @param to place behind the last
   * @param scored whether the tokens behind each of them are scored
   */
  record Part(int from, int to, boolean scored) {}

  /**
   * The windows of a text. Plain ones are whole: what is left at the end of the text is not read.
   * The last of strided ones may be shorter, so that every token is scored.
   */
  public List<Window> of(int tokens) {
    if (tokens < size) {
      throw new TaskException(
          "the text has "
              + tokens
              + " tokens, a window "
              + size
              + ": take a longer text or a smaller window");
    }
    List<Window> windows = new ArrayList<>();
    int done = 0;
    for (int from = 0; done < tokens && windows.size() < most; from += stride) {
      int to = Math.min(from + size, tokens);
      if (stride == size && to - from < size) {
        break;
      }
      windows.add(new Window(from, to, Math.max(from + 1, done)));
      done = to;
    }
    return windows;
  }

  /** Place in a window behind which a token has more than half a window of context. */
  int half() {
    return size / 2;
  }
}
