package dev.hone.tokenizer.jinja;

import dev.hone.tokenizer.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template, one after the other. */
final class TokenReader {
  private final List<Token> tokens;
  private int at;

  TokenReader(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(at);
  }

  Token peekSecond() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  /** The next token; the last one, the end, stays. */
  Token next() {
    Token token = tokens.get(at);
    at = Math.min(at + 1, tokens.size() - 1);
    return token;
  }

  int line() {
    return peek().line();
  }

  /** Whether an operator stood there, which is gone then. */
  boolean take(String operator) {
    boolean there = peek().is(Kind.OPERATOR, operator);
    if (there) {
      next();
    }
    return there;
  }

  /** Whether a word stood there, which is gone then. */
  boolean takeName(String name) {
    boolean there = peek().is(Kind.NAME, name);
    if (there) {
      next();
    }
    return there;
  }

  Token name() {
    if (peek().kind() != Kind.NAME) {
      throw wrong("wanted a name, found " + peek());
    }
    return next();
  }

  void expect(Kind kind, String text) {
    if (!peek().is(kind, text)) {
      throw wrong("wanted " + text + ", found " + peek());
    }
    next();
  }

  TemplateException wrong(String message) {
    return new TemplateException(line(), message);
  }
}
