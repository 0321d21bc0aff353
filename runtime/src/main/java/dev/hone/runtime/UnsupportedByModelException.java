package dev.hone.runtime;

/** A model was asked for what it cannot do; the message says what it is and has instead. */
public final class UnsupportedByModelException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public UnsupportedByModelException(String message) {
    super(message);
  }
}
