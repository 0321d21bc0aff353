package dev.hone.tokenizer.jinja;

import java.time.LocalDateTime;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions that a chat template finds: Jinja's, and transformers' own two. */
final class Functions {
  private static final long MAX_RANGE = 100_000;

  /** Letters behind a percent sign to patterns, in the C locale. */
  private static final Map<Character, String> DATE =
      Map.ofEntries(
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('c', "EEE MMM ppd HH:mm:ss yyyy"),
          Map.entry('d', "dd"),
          Map.entry('D', "MM/dd/yy"),
          Map.entry('e', "ppd"),
          Map.entry('f', "SSSSSS"),
          Map.entry('F', "yyyy-MM-dd"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('j', "DDD"),
          Map.entry('m', "MM"),
          Map.entry('M', "mm"),
          Map.entry('p', "a"),
          Map.entry('S', "ss"),
          Map.entry('T', "HH:mm:ss"),
          Map.entry('y', "yy"),
          Map.entry('Y', "yyyy"));

  private Functions() {}

  static Map<String, Object> all(ZonedDateTime now) {
    Map<String, Object> functions = new HashMap<>();
    functions.put("range", (Callable) Functions::range);
    functions.put(
        "dict", (Callable) a -> new LinkedHashMap<Object, Object>(a.check(0, names(a)).named()));
    functions.put("namespace", (Callable) Functions::namespace);
    functions.put(
        "raise_exception",
        (Callable)
            a -> {
              throw TemplateException.raised(
                  Printing.text(a.check(1).required(0, "message"), a.budget()));
            });
    functions.put(
        "strftime_now",
        (Callable)
            a -> a.budget().made(date(now.toLocalDateTime(), a.check(1).text(0, "format"), a)));
    return functions;
  }

  private static String[] names(CallArguments a) {
    return a.named().keySet().toArray(String[]::new);
  }

  private static Object namespace(CallArguments a) {
    Map<String, Object> values = new HashMap<>();
    if (!a.positional().isEmpty()) {
      if (!(a.check(1, names(a)).positional().getFirst() instanceof Map<?, ?> map)) {
        throw a.wrong("wants a dict, or attributes by name");
      }
      map.forEach((key, value) -> values.put(String.valueOf(key), value));
    }
    values.putAll(a.named());
    return new Namespace(values);
  }

  private static Object range(CallArguments a) {
    a.check(3);
    int first = a.integer(0, "stop", 0);
    boolean two = a.count() > 1;
    long from = two ? first : 0;
    long to = two ? a.integer(1, "stop", 0) : first;
    long step = a.integer(2, "step", 1);
    if (a.count() == 0 || step == 0) {
      throw a.wrong("wants an end, and no step of 0");
    }
    long count = Math.max(0, Math.ceilDiv(to - from, step));
    if (count > MAX_RANGE) {
      throw a.wrong("has " + count + " numbers; the limit is " + MAX_RANGE);
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      numbers.add(from + i * step);
    }
    return a.budget().made(numbers);
  }

  private static String date(LocalDateTime now, String format, CallArguments a) {
    var out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char kind = format.charAt(++i);
      boolean bare = kind == '-' && i + 1 < format.length();
      kind = bare ? format.charAt(++i) : kind;
      if (kind == '%') {
        out.append('%');
      } else if (DATE.containsKey(kind)) {
        String part = DateTimeFormatter.ofPattern(DATE.get(kind), Locale.US).format(now);
        out.append(bare ? part.replaceFirst("^0+(?=.)", "") : part);
      } else {
        throw a.wrong("does not know %" + kind);
      }
    }
    return out.toString();
  }
}
