package dev.hone.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What Python makes of values: their truth, their order, how they print. */
final class Values {
  private static final int MAX_DEPTH = 100;

  private Values() {}

  /** What a caller's object is here: whole numbers are long, keys of maps strings. */
  static Object of(Object value) {
    return of(value, 0);
  }

  private static Object of(Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException("values stand within more than " + MAX_DEPTH + " others");
    }
    return switch (value) {
      case null -> null;
      case String text -> text;
      case Boolean flag -> flag;
      case Long number -> number;
      case Integer number -> number.longValue();
      case Short number -> number.longValue();
      case Double number -> number;
      case Float number -> number.doubleValue();
      case List<?> list -> {
        List<Object> copy = new ArrayList<>();
        list.forEach(item -> copy.add(of(item, depth + 1)));
        yield copy;
      }
      case Map<?, ?> map -> {
        Map<Object, Object> copy = new java.util.LinkedHashMap<>();
        map.forEach((key, item) -> copy.put(of(key, depth + 1), of(item, depth + 1)));
        yield copy;
      }
      default ->
          throw new IllegalArgumentException(
              "a template knows strings, numbers, lists and maps, not " + value.getClass());
    };
  }

  static boolean truth(Object value) {
    return switch (value) {
      case null -> false;
      case Boolean flag -> flag;
      case String text -> !text.isEmpty();
      case Long number -> number != 0;
      case Double number -> number != 0;
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Undefined _ -> false;
      default -> true;
    };
  }

  static boolean equal(Object a, Object b, Budget budget) {
    return equal(a, b, budget, 0);
  }

  private static boolean equal(Object a, Object b, Budget budget, int depth) {
    budget.read(a);
    if (depth > MAX_DEPTH) {
      throw new TemplateException("values stand within more than " + MAX_DEPTH + " others");
    }
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double
          ? asDouble(a) == asDouble(b)
          : asLong(a) == asLong(b);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      if (left.size() != right.size() || a instanceof Tuple != b instanceof Tuple) {
        return false;
      }
      for (int i = 0; i < left.size(); i++) {
        if (!equal(left.get(i), right.get(i), budget, depth + 1)) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      if (left.size() != right.size()) {
        return false;
      }
      for (Map.Entry<?, ?> entry : left.entrySet()) {
        if (!right.containsKey(entry.getKey())
            || !equal(entry.getValue(), right.get(entry.getKey()), budget, depth + 1)) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    return Objects.equals(a, b);
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static double asDouble(Object number) {
    return number instanceof Double value ? value : asLong(number);
  }

  /** A whole number; True is 1. */
  static long asLong(Object number) {
    return number instanceof Boolean flag ? flag ? 1 : 0 : (Long) number;
  }

  static int compare(Object a, Object b, Budget budget, int line) {
    budget.read(a);
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double
          ? Double.compare(asDouble(a), asDouble(b))
          : Long.compare(asLong(a), asLong(b));
    }
    if (a instanceof String left && b instanceof String right) {
      return comparePoints(left, right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
        if (!equal(left.get(i), right.get(i), budget)) {
          return compare(left.get(i), right.get(i), budget, line);
        }
      }
      return Integer.compare(left.size(), right.size());
    }
    throw new TemplateException(line, kind(a) + " and " + kind(b) + " have no order");
  }

  /** By code points, as Python does, not by halves of surrogate pairs. */
  private static int comparePoints(String a, String b) {
    return java.util.Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
  }

  static boolean contains(Object container, Object item, Budget budget, int line) {
    budget.read(container);
    return switch (container) {
      case String text when item instanceof String part -> text.contains(part);
      case List<?> list -> list.stream().anyMatch(other -> equal(other, item, budget));
      case Map<?, ?> map -> map.containsKey(item);
      case Undefined _ -> false;
      case null, default ->
          throw new TemplateException(line, kind(item) + " cannot be in " + kind(container));
    };
  }

  /** What a loop goes through. */
  static List<?> items(Object value, int line) {
    return switch (value) {
      case List<?> list -> list;
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case String text -> text.codePoints().mapToObj(Character::toString).toList();
      case Undefined _ -> List.of();
      case null, default ->
          throw new TemplateException(line, kind(value) + " has no items to go through");
    };
  }

  static long length(Object value, int line) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Undefined _ -> 0;
      case null, default -> throw new TemplateException(line, kind(value) + " has no length");
    };
  }

  /** What Python calls the value's type. */
  static String kind(Object value) {
    return switch (value) {
      case null -> "None";
      case Boolean _ -> "a bool";
      case Long _ -> "an int";
      case Double _ -> "a float";
      case String _ -> "a string";
      case Tuple _ -> "a tuple";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "a dict";
      case Undefined undefined -> "the undefined " + undefined.what();
      case Namespace _ -> "a namespace";
      default -> "a function";
    };
  }
}
