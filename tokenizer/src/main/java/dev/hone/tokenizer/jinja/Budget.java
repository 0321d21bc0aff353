package dev.hone.tokenizer.jinja;

import java.util.List;

/**
 * What a template may use up, since nobody knows who wrote it: every step of a loop, every value
 * and every character that it makes counts. It also ends what calls itself without end.
 */
final class Budget {
  /** Characters and steps of published templates over long conversations are a thousandth of it. */
  private static final long MAX_WORK = 20_000_000;

  /** Characters that come out, or stand in one value. */
  private static final int MAX_CHARS = 8 << 20;

  /** Expressions and statements within others, those of macros that call each other included. */
  private static final int MAX_DEPTH = 500;

  private long work;
  private int depth;

  void step() {
    spend(1);
  }

  void spend(long amount) {
    work += amount;
    if (work > MAX_WORK) {
      throw new TemplateException("the template does more than " + MAX_WORK + " steps");
    }
  }

  /** Counts a text that is about to be made. */
  void chars(long length) {
    limit(length);
    spend(1 + length / 8);
  }

  /** Counts what it takes to look through a value; 64 characters are a step. */
  Object read(Object value) {
    switch (value) {
      case String text -> spend(1 + text.length() / 64);
      case List<?> list -> spend(1 + list.size() / 64);
      case null, default -> step();
    }
    return value;
  }

  /** Looks at the length of a text on its way. */
  void limit(long length) {
    if (length > MAX_CHARS) {
      throw new TemplateException(
          "the template makes a text of " + length + " characters; the limit is " + MAX_CHARS);
    }
  }

  String made(String text) {
    chars(text.length());
    return text;
  }

  <T> List<T> made(List<T> list) {
    spend(1 + list.size());
    return list;
  }

  void enter() {
    if (++depth > MAX_DEPTH) {
      throw new TemplateException(
          "the template's parts, or its macros' calls, stand within more than "
              + MAX_DEPTH
              + " others");
    }
  }

  void leave() {
    depth--;
  }
}
