package dev.hone.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's operators: numbers, and what {@code +}, {@code *} and {@code %} mean for others. */
final class Arithmetic {
  private Arithmetic() {}

  static Object of(String operator, Object left, Object right, Budget budget, int line) {
    if (operator.equals("~")) {
      String a = Printing.text(left, budget);
      String b = Printing.text(right, budget);
      budget.chars((long) a.length() + b.length());
      return a + b;
    }
    if (left instanceof Undefined undefined) {
      throw undefined.used(line);
    }
    if (operator.equals("%") && left instanceof String format) {
      return Formatting.percent(format, right, budget, line);
    }
    if (right instanceof Undefined undefined) {
      throw undefined.used(line);
    }
    if (operator.equals("+") && left instanceof String a && right instanceof String b) {
      budget.chars((long) a.length() + b.length());
      return a + b;
    }
    if (operator.equals("+")
        && left instanceof List<?> a
        && right instanceof List<?> b
        && a instanceof Tuple == b instanceof Tuple) {
      List<Object> both = new ArrayList<>(a);
      both.addAll(b);
      budget.made(both);
      return a instanceof Tuple ? new Tuple(both) : both;
    }
    if (operator.equals("*") && right instanceof Long count && !(left instanceof Long)) {
      return repeated(left, count, budget, line);
    }
    if (operator.equals("*") && left instanceof Long count && !Values.isNumber(right)) {
      return repeated(right, count, budget, line);
    }
    if (!Values.isNumber(left) || !Values.isNumber(right)) {
      throw new TemplateException(
          line,
          "there is no " + operator + " of " + Values.kind(left) + " and " + Values.kind(right));
    }
    boolean fraction = left instanceof Double || right instanceof Double || operator.equals("/");
    try {
      return fraction
          ? fractions(operator, Values.asDouble(left), Values.asDouble(right))
          : wholes(operator, Values.asLong(left), Values.asLong(right));
    } catch (ArithmeticException e) {
      throw new TemplateException(
          line, left + " " + operator + " " + right + ": " + e.getMessage());
    }
  }

  private static Object repeated(Object value, long count, Budget budget, int line) {
    long times = Math.max(0, count);
    if (value instanceof String text) {
      budget.chars(
          Math.multiplyHigh(times, text.length()) != 0 ? Long.MAX_VALUE : times * text.length());
      return text.repeat((int) times);
    }
    if (value instanceof List<?> list && !(value instanceof Tuple)) {
      budget.spend(Math.min(times, Integer.MAX_VALUE) * (1L + list.size()));
      List<Object> all = new ArrayList<>();
      for (long i = 0; i < times; i++) {
        all.addAll(list);
      }
      return all;
    }
    if (value instanceof Double number) {
      return number * count;
    }
    if (value instanceof Boolean) {
      return Values.asLong(value) * count;
    }
    throw new TemplateException(line, "there is no * of " + Values.kind(value) + " and an int");
  }

  private static Object wholes(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> power(a, b);
      default -> throw new IllegalStateException(operator);
    };
  }

  private static Object power(long a, long b) {
    if (b < 0) {
      return Math.pow(a, b);
    }
    java.math.BigInteger power =
        Math.abs(a) <= 1
            ? java.math.BigInteger.valueOf(b == 0 ? 1 : a < 0 && b % 2 == 0 ? 1 : a)
            : b > 63 ? null : java.math.BigInteger.valueOf(a).pow((int) b);
    if (power == null) {
      throw new ArithmeticException("too large");
    }
    return power.longValueExact();
  }

  private static Object fractions(String operator, double a, double b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new ArithmeticException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      case "**" -> Math.pow(a, b);
      default -> throw new IllegalStateException(operator);
    };
  }
}
