package dev.hone.measure;

import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Optional;

/**
 * What this machine can do at most: the best of several measurements, so that what else it did
 * meanwhile counts little.
 *
 * @param threads that ran
 * @param kernels the tier that the loops were written for, the fastest there is
 * @param readBytesPerSecond memory read, past the caches
 * @param floatOperationsPerSecond floats multiplied and added in registers, counted as two
 * @param integerOperationsPerSecond integers of 8 bits multiplied and added, counted as two
 */
public record MachineLimits(
    String cpu,
    int threads,
    String kernels,
    double readBytesPerSecond,
    double floatOperationsPerSecond,
    double integerOperationsPerSecond) {
  private static final int RUNS = 60;

  /** What limits are kept under. */
  public record Key(String cpu, int threads, String kernels) {
    /** Of this machine. */
    public static Key here(int threads) {
      String kernels = KernelTier.select(Optional.empty()).tier().label();
      return new Key(Machine.here(threads, kernels).cpu(), threads, kernels);
    }
  }

  /**
   * Measures now: one to two seconds.
   *
   * @throws IllegalStateException where there are neither assembled kernels nor vectors
   */
  public static MachineLimits measure(int threads) {
    try (var pool = new ComputePool(threads);
        Arena arena = Arena.ofShared()) {
      var meter = new LimitMeter(pool, arena);
      double read = 0;
      double floats = 0;
      double integers = 0;
      for (int i = 0; i < RUNS; i++) {
        read = Math.max(read, meter.readBytes());
        floats = Math.max(floats, meter.floatOperations());
        integers = Math.max(integers, meter.integerOperations());
      }
      Key key = Key.here(threads);
      return new MachineLimits(key.cpu(), threads, key.kernels(), read, floats, integers);
    }
  }

  /** Whether numbers can be divided by it. */
  boolean plausible() {
    return cpu != null
        && kernels != null
        && threads > 0
        && readBytesPerSecond > 0
        && floatOperationsPerSecond > 0
        && integerOperationsPerSecond > 0;
  }

  Key key() {
    return new Key(cpu, threads, kernels);
  }

  /** As people read them, without the machine. */
  public String text() {
    return "read "
        + Units.bytes(readBytesPerSecond)
        + "/s, f32 "
        + Units.count(floatOperationsPerSecond)
        + "FLOP/s, int8 "
        + Units.count(integerOperationsPerSecond)
        + "op/s";
  }
}
