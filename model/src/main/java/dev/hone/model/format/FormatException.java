package dev.hone.model.format;

/**
 * A file is not what it should be: the message names the file, the field, the value and the remedy.
 */
public final class FormatException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public FormatException(String message) {
    super(message);
  }

  public FormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
