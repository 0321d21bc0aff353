package dev.hone.compress.search;

/** Every recipe met a weight that it cannot hold; the message says which and why. */
public final class NothingPossibleException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NothingPossibleException(String message) {
    super(message);
  }
}
