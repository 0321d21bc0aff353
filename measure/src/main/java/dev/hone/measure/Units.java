package dev.hone.measure;

import java.util.Locale;

/** Numbers as people read them: three digits that count, and the unit. */
public final class Units {
  private static final String[] BYTES = {"B", "kB", "MB", "GB", "TB"};
  private static final String[] COUNTS = {"", " k", " M", " G", " T", " P"};

  /** What rounding alone can make of no loss, in percent. */
  private static final double NOTHING = 1e-10;

  private Units() {}

  /** Bytes in units of powers of 1000, as disks are sold and models are named. */
  public static String bytes(double bytes) {
    int unit = scale(bytes, BYTES.length);
    return digits(bytes / Math.pow(1000, unit), unit == 0) + " " + BYTES[unit];
  }

  /** A count: {@code 21.7 G}. */
  public static String count(double count) {
    int unit = scale(count, COUNTS.length);
    return digits(count / Math.pow(1000, unit), unit == 0) + COUNTS[unit];
  }

  /** A time given in milliseconds. */
  public static String millis(double millis) {
    if (millis >= 1000) {
      return digits(millis / 1000, false) + " s";
    }
    return millis >= 1 ? digits(millis, false) + " ms" : digits(millis * 1000, false) + " us";
  }

  /** A rate, without its unit: {@code 1,430}. */
  public static String rate(double perSecond) {
    return perSecond >= 1000
        ? String.format(Locale.ROOT, "%,d", Math.round(perSecond))
        : digits(perSecond, false);
  }

  /** A share in percent; small ones keep two digits that count. */
  public static String percent(double share) {
    double percent = 100 * share;
    double size = Math.abs(percent);
    if (size < NOTHING) {
      return "0 %";
    }
    if (size < 1e-5) {
      return share > 0 ? "<0.00001 %" : ">-0.00001 %";
    }
    if (size < 0.1) {
      int decimals = 1 - (int) Math.floor(Math.log10(size));
      return String.format(Locale.ROOT, "%." + decimals + "f %%", percent);
    }
    return String.format(Locale.ROOT, size < 10 ? "%.2f %%" : "%.1f %%", percent);
  }

  /** How many times: {@code 3.94x}. */
  public static String times(double factor) {
    return digits(factor, false) + "x";
  }

  private static int scale(double value, int units) {
    int unit = 0;
    for (double rest = value; rest >= 999.5 && unit < units - 1; rest /= 1000) {
      unit++;
    }
    return unit;
  }

  private static String digits(double value, boolean whole) {
    if (whole) {
      return Long.toString(Math.round(value));
    }
    double size = Math.abs(value);
    int decimals = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
