package dev.hone.bench;

import java.util.Arrays;

/** Times a piece of work again and again. */
final class Repeated {
  private Repeated() {}

  /** What is timed. */
  @FunctionalInterface
  interface Work {
    void run() throws Exception;
  }

  /** Nanoseconds of runs until there are enough of them and the time is over, sorted. */
  static double[] nanos(Work work, int leastRuns, long budgetNanos) throws Exception {
    double[] nanos = new double[0];
    long start = System.nanoTime();
    while (nanos.length < leastRuns || System.nanoTime() - start < budgetNanos) {
      long before = System.nanoTime();
      work.run();
      nanos = Arrays.copyOf(nanos, nanos.length + 1);
      nanos[nanos.length - 1] = System.nanoTime() - before;
    }
    Arrays.sort(nanos);
    return nanos;
  }
}
