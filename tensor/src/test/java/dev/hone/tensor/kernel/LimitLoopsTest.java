package dev.hone.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.kernel.vector.VectorLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LimitLoopsTest {
  private static final int ROUNDS = 500_000;

  /** Operations per nanosecond. No core does as many: a loop that is faster was left out. */
  private static final double IMPOSSIBLE = 2e4;

  static List<LimitLoops> loops() {
    return List.of(new VectorLimits(), KernelTier.limits());
  }

  @ParameterizedTest
  @MethodSource("loops")
  void everyRoundIsDone(LimitLoops loops) {
    assertThat(loops.peaks()).contains(Peak.F32, Peak.INT8);
    for (Peak peak : loops.peaks()) {
      long one = loops.operations(peak, 1);
      assertThat(loops.operations(peak, 200)).isPositive().isEqualTo(200 * one);
      assertThat(best(loops, peak)).isLessThan(IMPOSSIBLE);
    }
  }

  /** Operations per nanosecond. */
  private static double best(LimitLoops loops, Peak peak) {
    double best = 0;
    for (int i = 0; i < 5; i++) {
      long start = System.nanoTime();
      long operations = loops.operations(peak, ROUNDS);
      best = Math.max(best, (double) operations / (System.nanoTime() - start));
    }
    return best;
  }

  @ParameterizedTest
  @MethodSource("loops")
  void readsWholeSteps(LimitLoops loops) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(1023, Tensor.ALIGNMENT);
      assertThat(loops.read(memory)).isEqualTo(768);
      assertThat(loops.read(memory.asSlice(0, 255))).isZero();
    }
  }

  @Test
  void whatIsNarrowerIsFaster() {
    LimitLoops loops = KernelTier.limits();
    assertThat(best(loops, Peak.INT8)).isGreaterThan(best(loops, Peak.F32));
    if (loops.peaks().contains(Peak.BF16)) {
      assertThat(best(loops, Peak.BF16)).isGreaterThan(best(loops, Peak.F32));
    }
    if (loops.peaks().contains(Peak.BF16_TILES)) {
      assertThat(best(loops, Peak.BF16_TILES)).isGreaterThan(2 * best(loops, Peak.F32));
      assertThat(best(loops, Peak.INT8_TILES)).isGreaterThan(best(loops, Peak.BF16_TILES));
    }
  }
}
