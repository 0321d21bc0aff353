package dev.hone.tokenizer.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jinja's tests: what stands behind {@code is}. */
final class Tests {
  private Tests() {}

  static boolean apply(String name, Object value, CallArguments a) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map;
      case "sequence" -> value instanceof List || value instanceof Map || value instanceof String;
      case "iterable" ->
          value instanceof List
              || value instanceof Map
              || value instanceof String
              || value instanceof Undefined;
      case "number" -> Values.isNumber(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "callable" -> value instanceof Callable;
      case "lower" -> text(value).equals(text(value).toLowerCase(Locale.ROOT));
      case "upper" -> text(value).equals(text(value).toUpperCase(Locale.ROOT));
      case "even" -> whole(value, a) % 2 == 0;
      case "odd" -> whole(value, a) % 2 != 0;
      case "divisibleby" -> {
        long by = whole(a.required(0, "num"), a);
        if (by == 0) {
          throw a.wrong("cannot divide by 0");
        }
        yield whole(value, a) % by == 0;
      }
      case "eq", "equalto", "sameas" -> Values.equal(value, a.required(0, "other"), a.budget());
      case "ne" -> !Values.equal(value, a.required(0, "other"), a.budget());
      case "lt", "lessthan" ->
          Values.compare(value, a.required(0, "other"), a.budget(), a.line()) < 0;
      case "le" -> Values.compare(value, a.required(0, "other"), a.budget(), a.line()) <= 0;
      case "gt", "greaterthan" ->
          Values.compare(value, a.required(0, "other"), a.budget(), a.line()) > 0;
      case "ge" -> Values.compare(value, a.required(0, "other"), a.budget(), a.line()) >= 0;
      case "in" -> Values.contains(a.required(0, "seq"), value, a.budget(), a.line());
      case "filter" -> value instanceof String filter && Filters.has(filter);
      default -> throw new TemplateException(a.line(), "there is no test " + name);
    };
  }

  private static String text(Object value) {
    return value instanceof String text ? text : "";
  }

  private static long whole(Object value, CallArguments a) {
    if (value instanceof Long number) {
      return number;
    }
    throw a.wrong("wants a whole number, not " + Values.kind(value));
  }
}
