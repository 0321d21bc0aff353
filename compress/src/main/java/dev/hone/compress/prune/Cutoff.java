package dev.hone.compress.prune;

import java.util.function.Consumer;
import java.util.function.IntPredicate;

/**
 * The smallest of a stream of numbers, exactly so many, in the memory of two tables: floats that
 * are not negative are ordered as their bits are, so their upper halves are counted first, then the
 * lower halves of those that share the decisive upper one. Of equals the first go.
 */
final class Cutoff {
  private static final int HALF = 1 << 16;

  private final int bits;
  private long equals;

  private Cutoff(int bits, long equals) {
    this.bits = bits;
    this.equals = equals;
  }

  /** Hands on numbers from 0, the same in the same order each time. */
  interface Stream {
    void forEach(Consumer<float[]> taker);
  }

  /** All numbers below a threshold. */
  static Cutoff below(double threshold) {
    return new Cutoff(bits((float) threshold), 0);
  }

  /** The smallest {@code count} of a stream. */
  static Cutoff smallest(long count, Stream numbers) {
    if (count == 0) {
      return new Cutoff(-1, 0);
    }
    long[] upper = new long[HALF];
    numbers.forEach(part -> tally(part, upper, 16, _ -> true));
    long before = 0;
    int high = 0;
    while (before + upper[high] < count) {
      before += upper[high++];
    }
    int decisive = high;
    long[] lower = new long[HALF];
    numbers.forEach(part -> tally(part, lower, 0, b -> b >>> 16 == decisive));
    int low = 0;
    while (before + lower[low] < count) {
      before += lower[low++];
    }
    return new Cutoff(high << 16 | low, count - before);
  }

  /** The smallest {@code count} of numbers that are sorted. */
  static Cutoff smallest(int count, float[] sorted) {
    if (count == 0) {
      return new Cutoff(-1, 0);
    }
    int equals = 1;
    while (equals < count && sorted[count - 1 - equals] == sorted[count - 1]) {
      equals++;
    }
    return new Cutoff(bits(sorted[count - 1]), equals);
  }

  private static void tally(float[] part, long[] counts, int shift, IntPredicate counted) {
    for (float number : part) {
      int b = bits(number);
      if (counted.test(b)) {
        counts[b >>> shift & HALF - 1]++;
      }
    }
  }

  private static int bits(float number) {
    if (!(number >= 0)) {
      throw new IllegalArgumentException("an importance of " + number + ": must be at least 0");
    }
    return Float.floatToRawIntBits(number + 0f);
  }

  /** Whether the next number of the stream is one of the smallest: ask once for each, in order. */
  boolean takes(float number) {
    int b = bits(number);
    if (b == bits && equals > 0) {
      equals--;
      return true;
    }
    return b < bits;
  }
}
