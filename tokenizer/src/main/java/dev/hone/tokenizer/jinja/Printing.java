package dev.hone.tokenizer.jinja;

import java.util.List;
import java.util.Map;

/** How Python prints values: {@code str} and {@code repr}. */
final class Printing {
  private static final int MAX_DEPTH = 100;

  private Printing() {}

  /** What comes out where a value stands between double braces. */
  static String text(Object value, Budget budget) {
    return value instanceof String text ? text : budget.made(print(value, budget));
  }

  private static String print(Object value, Budget budget) {
    var out = new StringBuilder();
    print(value, out, budget, 0);
    return out.toString();
  }

  private static void print(Object value, StringBuilder out, Budget budget, int depth) {
    budget.step();
    if (depth > MAX_DEPTH) {
      throw new TemplateException("values stand within more than " + MAX_DEPTH + " others");
    }
    switch (value) {
      case null -> out.append("None");
      case Boolean flag -> out.append(flag ? "True" : "False");
      case Long number -> out.append(number);
      case Double number -> out.append(number(number));
      case String text when depth > 0 -> quote(text, out);
      case String text -> out.append(text);
      case List<?> list -> {
        boolean tuple = value instanceof Tuple;
        out.append(tuple ? '(' : '[');
        for (int i = 0; i < list.size(); i++) {
          out.append(i == 0 ? "" : ", ");
          print(list.get(i), out, budget, depth + 1);
        }
        out.append(tuple && list.size() == 1 ? "," : "").append(tuple ? ')' : ']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(first ? "" : ", ");
          first = false;
          print(entry.getKey(), out, budget, depth + 1);
          out.append(": ");
          print(entry.getValue(), out, budget, depth + 1);
        }
        out.append('}');
      }
      case Undefined _ -> {}
      default -> throw new TemplateException("what cannot be printed: " + Values.kind(value));
    }
    budget.limit(out.length());
  }

  /** The shortest digits that give the number again, as Python writes them. */
  static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
    double size = Math.abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e16)) {
      String[] parts = Double.toString(value).split("E", -1);
      int exponent = Integer.parseInt(parts[1]);
      String digits = parts[0].endsWith(".0") ? parts[0].replace(".0", "") : parts[0];
      return digits
          + (exponent < 0 ? "e-" : "e+")
          + (Math.abs(exponent) < 10 ? "0" : "")
          + Math.abs(exponent);
    }
    String plain = new java.math.BigDecimal(Double.toString(value)).toPlainString();
    return plain.contains(".") ? plain : plain + ".0";
  }

  private static void quote(String text, StringBuilder out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c == quote) {
                    out.append('\\').append(quote);
                  } else if (c < 0x20 || c >= 0x7f && c < 0xa1 || c == 0xad) {
                    out.append("\\x%02x".formatted(c));
                  } else if (!printable(c)) {
                    out.append((c < 0x10000 ? "\\u%04x" : "\\U%08x").formatted(c));
                  } else {
                    out.appendCodePoint(c);
                  }
                }
              }
            });
    out.append(quote);
  }

  private static boolean printable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
          c == ' ';
      default -> true;
    };
  }
}
