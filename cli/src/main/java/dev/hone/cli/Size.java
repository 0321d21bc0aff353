package dev.hone.cli;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes as users write it: {@code 105MB}, {@code 1.5 GB}, {@code 98362432}. */
final class Size {
  private static final Pattern PATTERN = Pattern.compile("(\\d+(?:\\.\\d+)?) ?([kMG]?B)?");
  private static final Map<String, Double> UNITS =
      Map.of("B", 1.0, "kB", 1e3, "MB", 1e6, "GB", 1e9);

  private Size() {}

  static long bytes(String size) {
    Matcher matcher = PATTERN.matcher(size);
    if (!matcher.matches()) {
      throw new WrongInput(size + " is no size: 105MB, 1.5GB, or a number of bytes");
    }
    String unit = matcher.group(2);
    return Math.round(Double.parseDouble(matcher.group(1)) * (unit == null ? 1 : UNITS.get(unit)));
  }
}
