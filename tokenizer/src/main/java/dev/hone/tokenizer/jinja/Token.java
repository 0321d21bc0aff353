package dev.hone.tokenizer.jinja;

/**
 * A piece of a template.
 *
 * @param text of names and operators as written, of strings what they stand for
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    /** Text outside of all tags. */
    TEXT,
    OUTPUT_BEGIN,
    OUTPUT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind wanted, String content) {
    return kind == wanted && text.equals(content);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case END -> "the end of the template";
      case STRING -> "'" + text + "'";
      case TEXT, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, NAME, INTEGER, FLOAT, OPERATOR ->
          text;
    };
  }
}
