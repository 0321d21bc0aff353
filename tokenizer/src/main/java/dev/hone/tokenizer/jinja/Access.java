package dev.hone.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Parts of values: attributes, items, slices. A method never is anything but one of Python's. */
final class Access {
  private Access() {}

  /** {@code of.name}: a method, else an item. */
  static Object attribute(Object of, String name, int line) {
    return switch (of) {
      case Undefined undefined -> throw undefined.used(line);
      case Namespace space ->
          space.values().containsKey(name)
              ? space.values().get(name)
              : new Undefined("the namespace's " + name);
      case LoopState loop -> loop.attribute(name);
      case null -> new Undefined("None's " + name);
      default -> {
        Optional<Callable> method = Methods.of(of, name);
        yield method.isPresent() ? method.get() : item(of, name);
      }
    };
  }

  /** {@code of[index]}: an item, else a method. */
  static Object subscript(Object of, Object index, int line) {
    if (of instanceof Undefined undefined) {
      throw undefined.used(line);
    }
    Object item = item(of, index);
    return item instanceof Undefined && index instanceof String name && of != null
        ? attribute(of, name, line)
        : item;
  }

  /** An item of a dict, list or string; undefined where there is none. */
  static Object item(Object of, Object index) {
    if (of instanceof Map<?, ?> map) {
      return map.containsKey(index) ? map.get(index) : missing(of, index);
    }
    if (index instanceof Long || index instanceof Boolean) {
      long at = Values.asLong(index);
      if (of instanceof List<?> list) {
        long place = at < 0 ? at + list.size() : at;
        return place >= 0 && place < list.size() ? list.get((int) place) : missing(of, index);
      }
      if (of instanceof String text) {
        int[] points = text.codePoints().toArray();
        long place = at < 0 ? at + points.length : at;
        return place >= 0 && place < points.length
            ? Character.toString(points[(int) place])
            : missing(of, index);
      }
    }
    return missing(of, index);
  }

  private static Undefined missing(Object of, Object index) {
    String name =
        index instanceof String text ? text : index instanceof Long n ? n.toString() : "part";
    String shown = name.length() > 60 ? name.substring(0, 60) + "..." : name;
    return new Undefined("'" + shown + "' of " + Values.kind(of));
  }

  /** {@code of[from:to:step]}; null for what is left out. */
  static Object slice(Object of, Long from, Long to, Long step, Budget budget, int line) {
    if (of instanceof Undefined undefined) {
      throw undefined.used(line);
    }
    if (!(of instanceof List<?>) && !(of instanceof String)) {
      throw new TemplateException(line, Values.kind(of) + " cannot be sliced");
    }
    List<?> items = Values.items(of, line);
    budget.spend(items.size());
    long stride = step == null ? 1 : step;
    if (stride == 0) {
      throw new TemplateException(line, "a slice cannot go in steps of 0");
    }
    int size = items.size();
    long low = stride > 0 ? 0 : -1;
    long high = stride > 0 ? size : size - 1;
    long start = bound(from, stride > 0 ? low : high, low, high, size);
    long end = bound(to, stride > 0 ? high : low, low, high, size);
    List<Object> kept = new ArrayList<>();
    for (long i = start; stride > 0 ? i < end : i > end; i += stride) {
      kept.add(items.get((int) i));
      if (Math.abs(stride) >= size) {
        break;
      }
    }
    if (of instanceof String) {
      var text = new StringBuilder();
      kept.forEach(text::append);
      return budget.made(text.toString());
    }
    return of instanceof Tuple ? new Tuple(kept) : budget.made(kept);
  }

  private static long bound(Long at, long otherwise, long low, long high, int size) {
    if (at == null) {
      return otherwise;
    }
    return Math.clamp(at < 0 ? at + size : at, low, high);
  }
}
