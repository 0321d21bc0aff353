package dev.hone.bench;

import dev.hone.measure.LimitMeter;
import dev.hone.tensor.kernel.Kernels;
import java.util.Arrays;

/**
 * A case as it was timed: every round once on all threads and once on one, with the limits measured
 * right before and right after, so that a machine that slows down slows them all. Medians over the
 * rounds.
 *
 * @param millis of one run, on all threads
 * @param readBytes what all threads read per second, at most
 * @param peak what all threads multiply and add per second, at most; 0 where that bounds nothing
 * @param share of the smaller of the two bounds; NaN where there is none
 * @param ofRead bytes per second of that bandwidth; NaN where weights come from a cache
 * @param ofReadByFile the same of the bytes that a file has
 * @param ofPeak operations per second of that peak; NaN where none is measured
 * @param scaling how many times as fast as on one thread
 */
record KernelTiming(
    KernelCase timed,
    double millis,
    double readBytes,
    double peak,
    double share,
    double least,
    double most,
    double ofRead,
    double ofReadByFile,
    double ofPeak,
    double scaling) {
  private static final int WARM_UPS = 2;

  /** What times: the same kernels on all threads and on one. */
  record Bench(Kernels all, Kernels one, LimitMeter limits, int rounds) {

    KernelTiming time(KernelCase timed) {
      double[] seconds = new double[rounds];
      double[] read = new double[rounds];
      double[] peak = new double[rounds];
      double[] scaling = new double[rounds];
      for (int round = -WARM_UPS; round < rounds; round++) {
        double readBefore = timed.bytes() > 0 ? limits.readBytes() : Double.NaN;
        double peakBefore = timed.peak().map(limits::operations).orElse(Double.NaN);
        double here = seconds(timed, all);
        double readAfter = timed.bytes() > 0 ? limits.readBytes() : Double.NaN;
        double peakAfter = timed.peak().map(limits::operations).orElse(Double.NaN);
        double alone = seconds(timed, one);
        double again = seconds(timed, all); // the machine may have changed: one stands between
        if (round >= 0) {
          seconds[round] = here;
          read[round] = (readBefore + readAfter) / 2;
          peak[round] = (peakBefore + peakAfter) / 2;
          scaling[round] = 2 * alone / (here + again);
        }
      }
      return of(timed, seconds, read, peak, scaling);
    }

    private static double seconds(KernelCase timed, Kernels kernels) {
      long start = System.nanoTime();
      for (int i = 0; i < timed.runs(); i++) {
        timed.body().run(kernels);
      }
      return (System.nanoTime() - start) / 1e9 / timed.runs();
    }
  }

  private static KernelTiming of(
      KernelCase timed, double[] seconds, double[] read, double[] peak, double[] scaling) {
    int rounds = seconds.length;
    double[] ofRead = new double[rounds];
    double[] ofPeak = new double[rounds];
    double[] share = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      ofRead[i] = timed.bytes() / seconds[i] / read[i];
      ofPeak[i] = timed.operations() / seconds[i] / peak[i];
      share[i] = Double.isNaN(ofRead[i]) ? ofPeak[i] : Math.max(ofRead[i], ofPeak[i]);
    }
    Arrays.sort(share); // NaN last, but then all are
    double byRead = median(ofRead);
    return new KernelTiming(
        timed,
        1e3 * median(seconds),
        median(read),
        median(peak),
        median(share),
        share[0],
        share[rounds - 1],
        byRead,
        timed.bytes() > 0 ? byRead * timed.fileBytes() / timed.bytes() : Double.NaN,
        median(ofPeak),
        median(scaling));
  }

  /** Whether the peak of operations bounds it, not memory. */
  boolean computeBinds() {
    return Double.isNaN(ofRead) ? !Double.isNaN(ofPeak) : ofPeak > ofRead;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
