package dev.hone.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/** The methods of Python's strings, lists and dicts that change nothing. */
final class Methods {
  private Methods() {}

  /** A method of a value, where it has one of that name. */
  static Optional<Callable> of(Object value, String name) {
    return Optional.ofNullable(
        switch (value) {
          case String text -> ofText(text, name);
          case Map<?, ?> map -> ofDict(map, name);
          case List<?> list -> ofList(list, name);
          case null, default -> null;
        });
  }

  private static Callable ofDict(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> a -> entries(map, a.check(0));
      case "keys" -> a -> a.check(0).budget().made(new ArrayList<>(map.keySet()));
      case "values" -> a -> a.check(0).budget().made(new ArrayList<>(map.values()));
      case "get" ->
          a -> {
            a.check(2);
            Object key = a.required(0, "key");
            return map.containsKey(key) ? map.get(key) : a.get(1, "default", null);
          };
      case "copy" -> a -> new java.util.LinkedHashMap<Object, Object>(map);
      case "update", "pop", "popitem", "setdefault", "clear" -> refused(name);
      default -> null;
    };
  }

  static List<Object> entries(Map<?, ?> map, CallArguments a) {
    List<Object> entries = new ArrayList<>();
    map.forEach(
        (key, value) -> {
          List<Object> pair = new ArrayList<>();
          pair.add(key);
          pair.add(value);
          entries.add(new Tuple(pair));
        });
    return a.budget().made(entries);
  }

  private static Callable ofList(List<?> list, String name) {
    return switch (name) {
      case "index" ->
          a -> {
            a.check(1);
            for (int i = 0; i < list.size(); i++) {
              if (Values.equal(list.get(i), a.required(0, "value"), a.budget())) {
                return (long) i;
              }
            }
            throw a.wrong("finds no such item");
          };
      case "count" ->
          a -> {
            a.check(1);
            return list.stream()
                .filter(i -> Values.equal(i, a.required(0, "value"), a.budget()))
                .count();
          };
      case "copy" -> a -> new ArrayList<Object>(list);
      case "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse" ->
          refused(name);
      default -> null;
    };
  }

  /** As in transformers' sandbox. */
  private static Callable refused(String name) {
    return a -> {
      throw a.wrong(name + " would change a value, which a template must not");
    };
  }

  private static Callable ofText(String text, String name) {
    return switch (name) {
      case "strip" -> a -> strip(text, a.check(1).textOrNone(0, "chars"), true, true);
      case "lstrip" -> a -> strip(text, a.check(1).textOrNone(0, "chars"), true, false);
      case "rstrip" -> a -> strip(text, a.check(1).textOrNone(0, "chars"), false, true);
      case "split" -> a -> split(text, a.check(2, "sep", "maxsplit"), false);
      case "rsplit" -> a -> split(text, a.check(2, "sep", "maxsplit"), true);
      case "splitlines" -> a -> a.check(0).budget().made(lines(text));
      case "startswith" -> a -> any(a.check(1), text::startsWith);
      case "endswith" -> a -> any(a.check(1), text::endsWith);
      case "replace" -> a -> replace(text, a.check(3, "count"));
      case "upper" -> a -> a.budget().made(text.toUpperCase(Locale.ROOT));
      case "lower", "casefold" -> a -> a.budget().made(text.toLowerCase(Locale.ROOT));
      case "title" -> a -> a.budget().made(title(text));
      case "capitalize" -> a -> a.budget().made(capitalize(text));
      case "find" -> a -> place(text, text.indexOf(a.check(1).text(0, "sub")));
      case "rfind" -> a -> place(text, text.lastIndexOf(a.check(1).text(0, "sub")));
      case "index" ->
          a -> {
            int at = text.indexOf(a.check(1).text(0, "sub"));
            if (at < 0) {
              throw a.wrong("finds no such text");
            }
            return place(text, at);
          };
      case "count" -> a -> count(text, a.check(1));
      case "join" -> a -> join(text, a.check(1).required(0, "items"), a);
      case "format" -> a -> Formatting.braces(text, a);
      case "removeprefix" ->
          a -> {
            String part = a.check(1).text(0, "prefix");
            return text.startsWith(part) ? text.substring(part.length()) : text;
          };
      case "removesuffix" ->
          a -> {
            String part = a.check(1).text(0, "suffix");
            return text.endsWith(part) ? text.substring(0, text.length() - part.length()) : text;
          };
      case "partition" -> a -> partition(text, a.check(1), text.indexOf(a.text(0, "sep")), false);
      case "rpartition" ->
          a -> partition(text, a.check(1), text.lastIndexOf(a.text(0, "sep")), true);
      case "isdigit", "isdecimal", "isnumeric" -> a -> all(text, Character::isDigit);
      case "isalpha" -> a -> all(text, Character::isLetter);
      case "isalnum" -> a -> all(text, Character::isLetterOrDigit);
      case "isspace" -> a -> all(text, Methods::isSpace);
      case "isupper" -> a -> cased(text, text.toUpperCase(Locale.ROOT));
      case "islower" -> a -> cased(text, text.toLowerCase(Locale.ROOT));
      default -> null;
    };
  }

  static boolean isSpace(int c) {
    return Character.isWhitespace(c)
        || Character.isSpaceChar(c)
        || c == 0x85; // NEL, and the separators that Java leaves out
  }

  /**
   * A text without space, or some characters, at its ends.
   *
   * @param chars null for space
   */
  static String strip(String text, String chars, boolean start, boolean end) {
    IntPredicate goes = chars == null ? Methods::isSpace : c -> chars.indexOf(c) >= 0;
    int from = 0;
    int to = text.length();
    while (start && from < to && goes.test(text.codePointAt(from))) {
      from += Character.charCount(text.codePointAt(from));
    }
    while (end && to > from && goes.test(text.codePointBefore(to))) {
      to -= Character.charCount(text.codePointBefore(to));
    }
    return text.substring(from, to);
  }

  private static List<Object> split(String text, CallArguments a, boolean fromEnd) {
    String separator = a.textOrNone(0, "sep");
    int most = a.integer(1, "maxsplit", -1);
    a.budget().chars(text.length());
    if (separator != null && separator.isEmpty()) {
      throw a.wrong("wants a separator that is not empty");
    }
    List<int[]> cuts = separator == null ? spaces(text) : places(text, separator, a.budget());
    int cut = most < 0 ? cuts.size() : Math.min(most, cuts.size());
    List<Object> parts = new ArrayList<>();
    int from = 0;
    for (int[] place :
        fromEnd ? cuts.subList(cuts.size() - cut, cuts.size()) : cuts.subList(0, cut)) {
      parts.add(text.substring(from, place[0]));
      from = place[1];
    }
    parts.add(text.substring(from));
    if (separator == null) { // space at the ends is no part, except where no cut was left for it
      boolean all = most < 0 || most > cuts.size();
      int last = parts.size() - 1;
      parts.set(0, strip((String) parts.getFirst(), null, all || !fromEnd, false));
      parts.set(last, strip((String) parts.getLast(), null, false, all || fromEnd));
      parts.removeIf(part -> ((String) part).isEmpty());
    }
    return a.budget().made(parts);
  }

  /** Beginnings and ends of a separator. */
  private static List<int[]> places(String text, String separator, Budget budget) {
    List<int[]> places = new ArrayList<>();
    int length = separator.length();
    for (int at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, at + length)) {
      budget.step();
      places.add(new int[] {at, at + length});
    }
    return places;
  }

  /** Beginnings and ends of space between words. */
  private static List<int[]> spaces(String text) {
    List<int[]> places = new ArrayList<>();
    int end = strip(text, null, false, true).length();
    int i = text.length() - strip(text, null, true, false).length();
    while (i < end) {
      int from = i;
      while (i < end && isSpace(text.charAt(i))) {
        i++;
      }
      if (i > from) {
        places.add(new int[] {from, i});
      }
      i++;
    }
    return places;
  }

  private static List<Object> lines(String text) {
    return new ArrayList<>(text.lines().toList());
  }

  private static boolean any(CallArguments a, java.util.function.Predicate<String> matches) {
    Object wanted = a.required(0, "prefix");
    if (wanted instanceof Tuple several) {
      return several.stream().anyMatch(one -> one instanceof String part && matches.test(part));
    }
    return matches.test(a.text(0, "prefix"));
  }

  static String replace(String text, CallArguments a) {
    String old = a.text(0, "old");
    String fresh = a.text(1, "new");
    int most = a.integer(2, "count", -1);
    var out = new StringBuilder();
    int from = 0;
    for (int done = 0; most < 0 || done < most; done++) {
      a.budget().step();
      int at = old.isEmpty() ? (done == 0 ? 0 : from + 1) : text.indexOf(old, from);
      if (at < 0 || at > text.length()) {
        break;
      }
      a.budget().limit(out.length() + (long) fresh.length());
      out.append(text, from, at).append(fresh);
      from = at + old.length();
    }
    return a.budget().made(out.append(text, from, text.length()).toString());
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  static String title(String text) {
    var out = new StringBuilder();
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      out.appendCodePoint(inside ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inside = Character.isLetter(c);
    }
    return out.toString();
  }

  private static long place(String text, int index) {
    return index < 0 ? -1 : text.codePointCount(0, index);
  }

  private static long count(String text, CallArguments a) {
    String part = a.text(0, "sub");
    if (part.isEmpty()) {
      return text.codePointCount(0, text.length()) + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    a.budget().spend(count);
    return count;
  }

  static String join(String between, Object items, CallArguments a) {
    var out = new StringBuilder();
    boolean first = true;
    for (Object item : Values.items(items, a.line())) {
      String text = Printing.text(item, a.budget());
      a.budget().limit(out.length() + (long) text.length() + between.length());
      out.append(first ? "" : between).append(text);
      first = false;
    }
    return a.budget().made(out.toString());
  }

  private static Tuple partition(String text, CallArguments a, int at, boolean last) {
    String separator = a.text(0, "sep");
    if (at < 0) {
      return new Tuple(last ? List.of("", "", text) : List.of(text, "", ""));
    }
    return new Tuple(
        List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private static boolean all(String text, IntPredicate is) {
    return !text.isEmpty() && text.codePoints().allMatch(is);
  }

  private static boolean cased(String text, String other) {
    return text.equals(other)
        && text.codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
  }
}
