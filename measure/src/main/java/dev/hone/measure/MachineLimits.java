package dev.hone.measure;

import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What this machine can do at most: the best of several measurements, so that what else it did
 * meanwhile counts little.
 *
 * @param threads that ran
 * @param kernels the tier that the loops were written for, the fastest there is
 * @param readBytesPerSecond memory read, past the caches
 * @param operationsPerSecond numbers multiplied and added in registers, counted as two
 */
public record MachineLimits(
    String cpu,
    int threads,
    String kernels,
    double readBytesPerSecond,
    Map<Peak, Double> operationsPerSecond) {
  private static final int RUNS = 60;

  /** Products of 16 bits that one of floats takes. */
  private static final int TILES_OF_FLOATS = 3;

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
      Map<Peak, Double> operations = new EnumMap<>(Peak.class);
      for (int i = 0; i < RUNS; i++) {
        read = Math.max(read, meter.readBytes());
        for (Peak peak : meter.peaks()) {
          operations.merge(peak, meter.operations(peak), Math::max);
        }
      }
      Key key = Key.here(threads);
      return new MachineLimits(key.cpu(), threads, key.kernels(), read, operations);
    }
  }

  /** Whether numbers can be divided by it. */
  boolean plausible() {
    return cpu != null
        && kernels != null
        && threads > 0
        && readBytesPerSecond > 0
        && operationsPerSecond != null
        && operationsPerSecond.keySet().containsAll(EnumSet.of(Peak.F32, Peak.INT8))
        && operationsPerSecond.values().stream().allMatch(limit -> limit > 0);
  }

  /** Numbers multiplied and added, in whatever way is fastest. */
  public double operationsPerSecond(Arithmetic arithmetic) {
    return switch (arithmetic) {
      case F32 -> Math.max(of(Peak.F32), of(Peak.BF16_TILES) / TILES_OF_FLOATS);
      case BF16 -> Math.max(Math.max(of(Peak.F32), of(Peak.BF16)), of(Peak.BF16_TILES));
      case INT8 -> Math.max(of(Peak.INT8), of(Peak.INT8_TILES));
    };
  }

  private double of(Peak peak) {
    return operationsPerSecond.getOrDefault(peak, 0.0);
  }

  Key key() {
    return new Key(cpu, threads, kernels);
  }

  /** As people read them, without the machine. */
  public String text() {
    return "read "
        + Units.bytes(readBytesPerSecond)
        + "/s"
        + operationsPerSecond.entrySet().stream()
            .map(e -> ", " + e.getKey().label() + " " + Units.count(e.getValue()) + "op/s")
            .collect(Collectors.joining());
  }
}
