package dev.hone.compress.search;

/** There are too few texts to tell candidates apart; the message says how many are needed. */
public final class TooFewTextsException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TooFewTextsException(String message) {
    super(message);
  }
}
