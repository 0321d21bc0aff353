package dev.hone.tokenizer;

/** A tokenizer's file that cannot be used, or a text that cannot be encoded with it. */
public final class TokenizerException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public TokenizerException(String message) {
    super(message);
  }

  public TokenizerException(String message, Throwable cause) {
    super(message, cause);
  }
}
