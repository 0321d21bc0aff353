package dev.hone.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.vector.VectorLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LimitLoopsTest {
  private static final int ROUNDS = 500_000;

  /** No core does as much: a loop that is faster was left out. */
  private static final double IMPOSSIBLE = 2e13;

  static List<LimitLoops> loops() {
    return List.of(new VectorLimits(), KernelTier.limits());
  }

  @ParameterizedTest
  @MethodSource("loops")
  void everyRoundIsDone(LimitLoops loops) {
    for (IntToLongFunction loop :
        List.<IntToLongFunction>of(loops::multiplyAdd, loops::integerDot)) {
      assertThat(loop.applyAsLong(200)).isPositive().isEqualTo(200 * loop.applyAsLong(1));
      double best = Double.POSITIVE_INFINITY;
      for (int i = 0; i < 5; i++) {
        long start = System.nanoTime();
        long operations = loop.applyAsLong(ROUNDS);
        best = Math.min(best, (System.nanoTime() - start) / (double) operations);
      }
      assertThat(1e9 / best).isLessThan(IMPOSSIBLE);
    }
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
  void integersAreFasterThanFloats() {
    LimitLoops loops = KernelTier.limits();
    double floats = 0;
    double integers = 0;
    for (int i = 0; i < 5; i++) {
      long start = System.nanoTime();
      long operations = loops.multiplyAdd(ROUNDS);
      floats = Math.max(floats, (double) operations / (System.nanoTime() - start));
      start = System.nanoTime();
      operations = loops.integerDot(ROUNDS);
      integers = Math.max(integers, (double) operations / (System.nanoTime() - start));
    }
    assertThat(integers).isGreaterThan(floats);
  }
}
