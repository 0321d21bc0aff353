package dev.hone.bench;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What follows a comparison's name: pairs of {@code --name value}. */
final class Options {
  private final Map<String, String> values = new HashMap<>();

  /**
   * Reads the options; ends the program with code 2 at one that is not known or lacks its value.
   */
  Options(String comparison, String[] args, String... known) {
    for (int i = 0; i < args.length; i += 2) {
      if (!List.of(known).contains(args[i]) || i + 1 == args.length) {
        System.err.println(
            "usage: bench/compare "
                + comparison
                + String.join("", Arrays.stream(known).map(name -> " [" + name + " X]").toList())
                + "; not: "
                + String.join(" ", args));
        System.exit(2);
      }
      values.put(args[i], args[i + 1]);
    }
  }

  String of(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  int number(String name, int otherwise) {
    return Integer.parseInt(of(name, Integer.toString(otherwise)));
  }
}
