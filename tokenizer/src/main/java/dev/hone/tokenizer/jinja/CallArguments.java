package dev.hone.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The values that a function, filter or test is called with.
 *
 * @param name of what is called
 */
record CallArguments(
    String name, List<Object> positional, Map<String, Object> named, Budget budget, int line) {

  int count() {
    return positional.size() + named.size();
  }

  /** Refuses more than so many in places, and names but these. */
  CallArguments check(int most, String... names) {
    if (positional.size() > most) {
      throw wrong("takes at most " + most + " arguments");
    }
    for (String given : named.keySet()) {
      if (!Set.of(names).contains(given)) {
        throw wrong("has no argument " + given);
      }
    }
    return this;
  }

  boolean has(int index, String key) {
    return index < positional.size() || named.containsKey(key);
  }

  /** An argument by its place or by its name. */
  Object get(int index, String key, Object otherwise) {
    return index < positional.size() ? positional.get(index) : named.getOrDefault(key, otherwise);
  }

  Object required(int index, String key) {
    if (!has(index, key)) {
      throw wrong("wants an argument " + key);
    }
    return get(index, key, null);
  }

  String text(int index, String key) {
    if (required(index, key) instanceof String text) {
      return text;
    }
    throw wrong("wants a string as " + key);
  }

  /** A text, or none where it is left out or None. */
  String textOrNone(int index, String key) {
    return get(index, key, null) == null ? null : text(index, key);
  }

  int integer(int index, String key, int otherwise) {
    Object value = get(index, key, (long) otherwise);
    if (value instanceof Long number && number == number.intValue()) {
      return number.intValue();
    }
    throw wrong("wants a whole number as " + key);
  }

  boolean flag(int index, String key, boolean otherwise) {
    return Values.truth(get(index, key, otherwise));
  }

  TemplateException wrong(String message) {
    return new TemplateException(line, name + " " + message);
  }
}
