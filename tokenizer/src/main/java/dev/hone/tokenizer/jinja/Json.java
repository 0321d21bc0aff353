package dev.hone.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Values as Python's {@code json.dumps} writes them. */
final class Json {
  private static final int MAX_DEPTH = 100;

  private final CallArguments call;
  private final boolean ascii;
  private final boolean sorted;
  private final String indent;
  private final String between;
  private final String colon;
  private final StringBuilder out = new StringBuilder();

  private Json(CallArguments call) {
    call.check(4, "ensure_ascii", "indent", "separators", "sort_keys");
    this.call = call;
    this.ascii = call.flag(0, "ensure_ascii", false);
    this.sorted = call.flag(3, "sort_keys", false);
    Object space = call.get(1, "indent", null);
    this.indent =
        space == null
            ? null
            : space instanceof String text
                ? text
                : " ".repeat(Math.clamp(call.integer(1, "indent", 0), 0, 64));
    Object separators = call.get(2, "separators", null);
    if (separators instanceof List<?> pair
        && pair.size() == 2
        && pair.get(0) instanceof String first
        && pair.get(1) instanceof String second) {
      this.between = first;
      this.colon = second;
    } else if (separators == null) {
      this.between = indent == null ? ", " : ",";
      this.colon = ": ";
    } else {
      throw call.wrong("wants two strings as separators");
    }
  }

  static String of(Object value, CallArguments call) {
    var json = new Json(call);
    json.write(value, 0);
    return call.budget().made(json.out.toString());
  }

  private void write(Object value, int depth) {
    call.budget().step();
    call.budget().limit(out.length());
    if (depth > MAX_DEPTH) {
      throw call.wrong("finds values within more than " + MAX_DEPTH + " others");
    }
    switch (value) {
      case null -> out.append("null");
      case Boolean flag -> out.append(flag);
      case Long number -> out.append(number);
      case Double number -> out.append(number(number));
      case String text -> quote(text);
      case List<?> list -> {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
          separate(i, depth + 1);
          write(list.get(i), depth + 1);
        }
        end(list.isEmpty(), depth, ']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        int i = 0;
        for (Object key : keys(map)) {
          separate(i++, depth + 1);
          key(key);
          out.append(colon);
          write(map.get(key), depth + 1);
        }
        end(map.isEmpty(), depth, '}');
      }
      case Undefined undefined -> throw undefined.used(call.line());
      default -> throw call.wrong("cannot write " + Values.kind(value));
    }
  }

  private List<Object> keys(Map<?, ?> map) {
    List<Object> keys = new ArrayList<>(map.keySet());
    if (sorted) {
      keys.sort((a, b) -> Values.compare(a, b, call.budget(), call.line()));
    }
    return keys;
  }

  private void key(Object key) {
    switch (key) {
      case String text -> quote(text);
      case null -> quote("null");
      case Boolean flag -> quote(flag ? "true" : "false");
      case Long number -> quote(number.toString());
      case Double number -> quote(number(number));
      default -> throw call.wrong("cannot write " + Values.kind(key) + " as a key");
    }
  }

  private static String number(double number) {
    return Double.isNaN(number)
        ? "NaN"
        : Double.isInfinite(number)
            ? number > 0 ? "Infinity" : "-Infinity"
            : Printing.number(number);
  }

  private void separate(int index, int depth) {
    out.append(index == 0 ? "" : between);
    line(depth);
  }

  private void end(boolean empty, int depth, char bracket) {
    if (!empty) {
      line(depth);
    }
    out.append(bracket);
  }

  private void line(int depth) {
    if (indent != null) {
      out.append('\n').append(indent.repeat(depth));
    }
  }

  private void quote(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || ascii && c > 0x7e) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
