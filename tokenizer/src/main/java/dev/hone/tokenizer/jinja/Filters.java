package dev.hone.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Jinja's filters, and transformers' own {@code tojson}. */
final class Filters {
  /** Every name that {@link #apply} knows. */
  private static final Set<String> NAMES =
      Set.of(
          "abs",
          "capitalize",
          "count",
          "d",
          "default",
          "dictsort",
          "e",
          "escape",
          "first",
          "float",
          "format",
          "indent",
          "int",
          "items",
          "join",
          "last",
          "length",
          "list",
          "lower",
          "map",
          "max",
          "min",
          "reject",
          "rejectattr",
          "replace",
          "reverse",
          "round",
          "safe",
          "select",
          "selectattr",
          "sort",
          "string",
          "sum",
          "title",
          "tojson",
          "trim",
          "unique",
          "upper");

  private Filters() {}

  static boolean has(String name) {
    return NAMES.contains(name);
  }

  /** What a filter makes of a value. */
  static Object apply(String name, Object value, CallArguments a) {
    int line = a.line();
    Budget budget = a.budget();
    budget.read(value);
    return switch (name) {
      case "abs" -> absolute(value, a.check(0));
      case "capitalize" -> budget.made(Methods.capitalize(text(value, a.check(0))));
      case "length", "count" -> Values.length(value, a.check(0).line());
      case "default", "d" -> {
        a.check(2, "default_value", "boolean");
        boolean missing =
            value instanceof Undefined || (a.flag(1, "boolean", false) && !Values.truth(value));
        yield missing ? a.get(0, "default_value", "") : value;
      }
      case "dictsort" -> dictSort(value, a.check(0));
      case "e", "escape" -> budget.made(escape(text(value, a.check(0))));
      case "first" -> end(value, a.check(0), true);
      case "last" -> end(value, a.check(0), false);
      case "float" -> number(value, a.check(1, "default"), true);
      case "int" -> number(value, a.check(1, "default"), false);
      case "format" -> Formatting.percent(text(value, a), new Tuple(a.positional()), budget, line);
      case "indent" -> indent(text(value, a), a.check(3, "width", "first", "blank"));
      case "items" -> value instanceof Undefined ? List.of() : Methods.entries(dict(value, a), a);
      case "join" -> {
        a.check(2, "d", "attribute");
        Object items = a.has(1, "attribute") ? attributes(value, a.text(1, "attribute"), a) : value;
        yield Methods.join(a.has(0, "d") ? a.text(0, "d") : "", items, a);
      }
      case "list" -> budget.made(new ArrayList<Object>(Values.items(value, a.check(0).line())));
      case "lower" -> budget.made(text(value, a.check(0)).toLowerCase(Locale.ROOT));
      case "upper" -> budget.made(text(value, a.check(0)).toUpperCase(Locale.ROOT));
      case "title" -> budget.made(Methods.title(text(value, a.check(0))));
      case "map" -> map(value, a);
      case "max" -> extreme(value, a.check(0), 1);
      case "min" -> extreme(value, a.check(0), -1);
      case "select" -> selected(value, a, false, true);
      case "reject" -> selected(value, a, false, false);
      case "selectattr" -> selected(value, a, true, true);
      case "rejectattr" -> selected(value, a, true, false);
      case "replace" -> Methods.replace(text(value, a), a.check(3, "count"));
      case "reverse" -> reverse(value, a.check(0));
      case "round" -> round(value, a.check(2, "precision", "method"));
      case "safe" -> value;
      case "sort" -> sort(value, a.check(3, "reverse", "case_sensitive", "attribute"));
      case "string" -> Printing.text(value, budget);
      case "sum" -> sum(value, a.check(0));
      case "tojson" -> Json.of(value, a);
      case "trim" ->
          Methods.strip(text(value, a), a.check(1, "chars").textOrNone(0, "chars"), true, true);
      case "unique" -> unique(value, a.check(0));
      default -> throw new TemplateException(line, "there is no filter " + name);
    };
  }

  private static String text(Object value, CallArguments a) {
    return Printing.text(value, a.budget());
  }

  private static Map<?, ?> dict(Object value, CallArguments a) {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw a.wrong("wants a dict, not " + Values.kind(value));
  }

  private static Object absolute(Object value, CallArguments a) {
    return switch (value) {
      case Long number -> Math.abs(number);
      case Double number -> Math.abs(number);
      case null, default -> throw a.wrong("wants a number, not " + Values.kind(value));
    };
  }

  private static List<Object> dictSort(Object value, CallArguments a) {
    List<Object> entries = Methods.entries(dict(value, a), a);
    entries.sort(
        Comparator.comparing(
            entry -> ((List<?>) entry).getFirst(),
            (x, y) -> Values.compare(folded(x), folded(y), a.budget(), a.line())));
    return entries;
  }

  private static Object folded(Object value) {
    return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }

  private static Object end(Object value, CallArguments a, boolean first) {
    List<?> items = Values.items(value, a.line());
    if (items.isEmpty()) {
      return new Undefined("the " + a.name() + " of nothing");
    }
    return first ? items.getFirst() : items.getLast();
  }

  private static Object number(Object value, CallArguments a, boolean fraction) {
    Object otherwise = a.get(0, "default", fraction ? (Object) 0.0 : (Object) 0L);
    try {
      if (value instanceof String text) {
        String digits = text.strip();
        if (fraction) {
          return Double.valueOf(digits);
        }
        return digits.matches("[+-]?\\d+")
            ? Long.valueOf(digits)
            : (Object) Double.valueOf(digits).longValue();
      }
    } catch (NumberFormatException _) {
      return otherwise;
    }
    if (!Values.isNumber(value)) {
      return otherwise;
    }
    return fraction ? (Object) Values.asDouble(value) : (Object) (long) Values.asDouble(value);
  }

  private static String indent(String text, CallArguments a) {
    Object width = a.get(0, "width", 4L);
    String space =
        width instanceof String given
            ? given
            : " ".repeat(Math.clamp(a.integer(0, "width", 4), 0, 1000));
    boolean first = a.flag(1, "first", false);
    boolean blank = a.flag(2, "blank", false);
    var out = new StringBuilder();
    int index = 0;
    for (String line : text.split("\n", -1)) {
      out.append(index == 0 ? "" : "\n");
      out.append(index == 0 ? first ? space : "" : blank || !line.isEmpty() ? space : "")
          .append(line);
      a.budget().limit(out.length());
      index++;
    }
    return a.budget().made(out.toString());
  }

  /** {@code map("filter", ...)} or {@code map(attribute="name", default=...)}. */
  private static List<Object> map(Object value, CallArguments a) {
    if (a.named().containsKey("attribute")) {
      a.check(0, "attribute", "default");
      return attributes(value, a.text(0, "attribute"), a);
    }
    String filter = a.text(0, "filter");
    List<Object> mapped = new ArrayList<>();
    for (Object item : Values.items(value, a.line())) {
      mapped.add(apply(filter, item, rest(filter, a, 1)));
    }
    return a.budget().made(mapped);
  }

  private static CallArguments rest(String name, CallArguments a, int from) {
    List<Object> left =
        a.positional().subList(Math.min(from, a.positional().size()), a.positional().size());
    return new CallArguments(name, left, a.named(), a.budget(), a.line());
  }

  private static List<Object> attributes(Object value, String path, CallArguments a) {
    List<Object> found = new ArrayList<>();
    for (Object item : Values.items(value, a.line())) {
      Object attribute = attribute(item, path);
      found.add(
          attribute instanceof Undefined && a.named().containsKey("default")
              ? a.named().get("default")
              : attribute);
    }
    return a.budget().made(found);
  }

  private static Object attribute(Object item, String path) {
    Object at = item;
    for (String name : path.split("\\.", -1)) {
      at =
          Access.item(
              at, name.matches("\\d{1,9}") && !(at instanceof Map) ? Long.valueOf(name) : name);
    }
    return at;
  }

  /**
   * {@code select("test", ...)}, {@code selectattr("attribute", "test", ...)}; true without one.
   */
  private static List<Object> selected(
      Object value, CallArguments a, boolean byAttribute, boolean wanted) {
    int at = byAttribute ? 1 : 0;
    String test = a.positional().size() > at ? a.text(at, "test") : null;
    List<Object> kept = new ArrayList<>();
    for (Object item : Values.items(value, a.line())) {
      a.budget().step();
      Object tested = byAttribute ? attribute(item, a.text(0, "attribute")) : item;
      boolean is =
          test == null ? Values.truth(tested) : Tests.apply(test, tested, rest(test, a, at + 1));
      if (is == wanted) {
        kept.add(item);
      }
    }
    return a.budget().made(kept);
  }

  private static Object reverse(Object value, CallArguments a) {
    if (value instanceof String text) {
      return a.budget().made(new StringBuilder(text).reverse().toString());
    }
    List<Object> items = new ArrayList<>(Values.items(value, a.line()));
    Collections.reverse(items);
    return a.budget().made(items);
  }

  private static Object round(Object value, CallArguments a) {
    if (!Values.isNumber(value)) {
      throw a.wrong("wants a number, not " + Values.kind(value));
    }
    int places = Math.clamp(a.integer(0, "precision", 0), -300, 300);
    java.math.RoundingMode mode =
        switch (a.has(1, "method") ? a.text(1, "method") : "common") {
          case "common" -> java.math.RoundingMode.HALF_EVEN;
          case "ceil" -> java.math.RoundingMode.CEILING;
          case "floor" -> java.math.RoundingMode.FLOOR;
          default -> throw a.wrong("knows the methods common, ceil and floor");
        };
    if (value instanceof Long && mode == java.math.RoundingMode.HALF_EVEN) {
      return value;
    }
    double number = Values.asDouble(value);
    return Double.isFinite(number)
        ? new java.math.BigDecimal(number).setScale(places, mode).doubleValue()
        : number;
  }

  private static List<Object> sort(Object value, CallArguments a) {
    String path = a.textOrNone(2, "attribute");
    boolean cased = a.flag(1, "case_sensitive", false);
    List<Object> items = new ArrayList<>(Values.items(value, a.line()));
    Comparator<Object> order =
        (x, y) -> {
          Object left = path == null ? x : attribute(x, path);
          Object right = path == null ? y : attribute(y, path);
          return Values.compare(
              cased ? left : folded(left), cased ? right : folded(right), a.budget(), a.line());
        };
    items.sort(a.flag(0, "reverse", false) ? order.reversed() : order);
    return a.budget().made(items);
  }

  private static Object sum(Object value, CallArguments a) {
    Object sum = 0L;
    for (Object item : Values.items(value, a.line())) {
      sum = Arithmetic.of("+", sum, item, a.budget(), a.line());
    }
    return sum;
  }

  private static Object extreme(Object value, CallArguments a, int sign) {
    List<?> items = Values.items(value, a.line());
    Optional<?> found =
        items.stream()
            .reduce(
                (x, y) ->
                    sign * Values.compare(folded(y), folded(x), a.budget(), a.line()) > 0 ? y : x);
    return found.isPresent() ? found.get() : new Undefined("the " + a.name() + " of nothing");
  }

  private static List<Object> unique(Object value, CallArguments a) {
    List<Object> kept = new ArrayList<>();
    for (Object item : Values.items(value, a.line())) {
      a.budget().spend(1 + kept.size());
      if (kept.stream().noneMatch(other -> Values.equal(folded(other), folded(item), a.budget()))) {
        kept.add(item);
      }
    }
    return kept;
  }
}
