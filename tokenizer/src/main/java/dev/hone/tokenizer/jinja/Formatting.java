package dev.hone.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code "%s" % value} and {@code "{}".format(value)}, as far as templates use them. */
final class Formatting {
  private static final Pattern PERCENT = Pattern.compile("%(?:\\.(\\d{1,2}))?(.)", Pattern.DOTALL);
  private static final Pattern BRACES = Pattern.compile("\\{\\{|}}|\\{([^{}]*)}|[{}]");

  private Formatting() {}

  /**
   * Puts values in place of {@code %s}, {@code %d}, {@code %r} and {@code %.2f}.
   *
   * @param values a tuple of as many, or the only one
   */
  static String percent(String format, Object values, Budget budget, int line) {
    List<?> given =
        values instanceof Tuple tuple ? tuple : java.util.Collections.singletonList(values);
    var out = new StringBuilder();
    Matcher place = PERCENT.matcher(format);
    int next = 0;
    int from = 0;
    while (place.find()) {
      out.append(format, from, place.start());
      from = place.end();
      if (place.group().equals("%%")) {
        out.append('%');
        continue;
      }
      if (next == given.size()) {
        throw new TemplateException(line, "too few values for the format " + format);
      }
      out.append(value(given.get(next++), place.group(2), place.group(1), budget, line));
      budget.limit(out.length());
    }
    if (next < given.size()) {
      throw new TemplateException(line, "too many values for the format " + format);
    }
    return budget.made(out.append(format.substring(from)).toString());
  }

  private static String value(Object value, String kind, String digits, Budget budget, int line) {
    boolean number = Values.isNumber(value);
    if (digits == null && kind.equals("s")) {
      return Printing.text(value, budget);
    }
    if (digits == null && kind.equals("r")) {
      String list = Printing.text(List.of(value), budget);
      return list.substring(1, list.length() - 1);
    }
    if (digits == null && number && (kind.equals("d") || kind.equals("i"))) {
      return value instanceof Double d
          ? Long.toString(d.longValue())
          : Long.toString(Values.asLong(value));
    }
    if (number && kind.equals("f") && Double.isFinite(Values.asDouble(value))) {
      int places = digits == null ? 6 : Integer.parseInt(digits);
      return new BigDecimal(Values.asDouble(value))
          .setScale(places, RoundingMode.HALF_EVEN)
          .toPlainString();
    }
    throw new TemplateException(
        line,
        "the format %"
            + (digits == null ? "" : "." + digits)
            + kind
            + " is not known here for "
            + Values.kind(value));
  }

  /** Puts arguments in place of {@code {}}, {@code {0}} and {@code {name}}. */
  static String braces(String format, CallArguments a) {
    var out = new StringBuilder();
    Matcher place = BRACES.matcher(format);
    int next = 0;
    int from = 0;
    while (place.find()) {
      out.append(format, from, place.start());
      from = place.end();
      String name = place.group(1);
      if (name == null) {
        if (place.group().length() == 1) {
          throw a.wrong("finds a single brace in " + format);
        }
        out.append(place.group().charAt(0));
      } else {
        boolean counted = name.isEmpty() || name.chars().allMatch(c -> c >= '0' && c <= '9');
        int index =
            name.isEmpty()
                ? next++
                : counted && name.length() < 4 ? Integer.parseInt(name) : Integer.MAX_VALUE;
        if (!a.has(index, name)) {
          throw a.wrong("has no argument for {" + name + "}");
        }
        out.append(Printing.text(a.get(index, name, null), a.budget()));
      }
      a.budget().limit(out.length());
    }
    return a.budget().made(out.append(format.substring(from)).toString());
  }
}
