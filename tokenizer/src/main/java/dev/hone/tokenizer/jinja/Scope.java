package dev.hone.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names and their values; what is not here stands in the scope around it. */
final class Scope {
  private final Scope around;
  private final Map<String, Object> values = new HashMap<>();

  Scope(Scope around) {
    this.around = around;
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.around) {
      if (scope.values.containsKey(name)) {
        return scope.values.get(name);
      }
    }
    return new Undefined("'" + name + "'");
  }

  void set(String name, Object value) {
    values.put(name, value);
  }
}
