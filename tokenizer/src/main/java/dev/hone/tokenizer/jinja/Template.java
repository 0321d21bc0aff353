package dev.hone.tokenizer.jinja;

import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;

/**
 * A template that was read once and can be rendered any number of times, from many threads. Nobody
 * need trust it: it sees the values it is given and nothing else, and is stopped where it would
 * make too much.
 */
public final class Template {
  /** The longest published chat templates have some 20,000 characters. */
  private static final int MAX_CHARS = 1 << 20;

  private final List<Statement> body;

  private Template(List<Statement> body) {
    this.body = body;
  }

  /**
   * Reads a template.
   *
   * @throws TemplateException where it is none
   */
  public static Template parse(String text) {
    if (text.length() > MAX_CHARS) {
      throw new TemplateException(
          "the template has " + text.length() + " characters; the limit is " + MAX_CHARS);
    }
    return new Template(Parser.parse(text));
  }

  /**
   * What the template makes of values.
   *
   * @param values strings, numbers, booleans, nulls, and lists and maps of them, by name
   * @param now what {@code strftime_now} tells
   * @throws TemplateException where it refuses them, or cannot be rendered
   */
  public String render(Map<String, ?> values, ZonedDateTime now) {
    Scope functions = new Scope(null);
    Functions.all(now).forEach(functions::set);
    Scope scope = new Scope(functions);
    values.forEach((name, value) -> scope.set(name, Values.of(value)));
    return Interpreter.render(body, scope);
  }
}
