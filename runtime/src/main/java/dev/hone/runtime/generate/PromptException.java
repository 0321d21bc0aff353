package dev.hone.runtime.generate;

import java.io.Serial;

/** A prompt that a model cannot go on with. */
public final class PromptException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  public PromptException(String message) {
    super(message);
  }
}
