package dev.hone.tokenizer.jinja;

import java.io.Serial;

/** A template that cannot be read or rendered. */
public final class TemplateException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  private final boolean raised;

  private TemplateException(String message, boolean raised) {
    super(message);
    this.raised = raised;
  }

  TemplateException(String message) {
    this(message, false);
  }

  TemplateException(int line, String message) {
    this("line " + line + ": " + message, false);
  }

  /** What a template says with {@code raise_exception}, as it says it. */
  static TemplateException raised(String message) {
    return new TemplateException(message, true);
  }

  /** Whether the template itself refused what it was given, in its own words. */
  public boolean isRaised() {
    return raised;
  }
}
