package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.compress.calibrate.Gram;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Strips of rows that are rounded in lock step, some at a time. */
class LockStepTest {
  private static final int ROWS = 520;
  private static final int COLS = 768;

  private static float[] floats(int count, long seed) {
    var random = new Random(seed);
    float[] all = new float[count];
    for (int i = 0; i < count; i++) {
      all[i] = (float) random.nextGaussian();
    }
    return all;
  }

  private static Curvature curvature(Rounding how, Kernels kernels) {
    float[] x = floats(1000 * COLS, 2);
    for (int i = 1; i < x.length; i++) {
      x[i] = 0.7f * x[i - 1] + x[i] * (1 + i % 5); // columns hang together
    }
    var gram = new Gram("layer", COLS, Gram.Extent.ALL);
    try (Arena arena = Arena.ofShared()) {
      gram.add(Tensor.copyOf(arena, x, 1000, COLS), kernels, kernels.pool());
    }
    return Curvature.of(gram, how, kernels.pool());
  }

  private static Integers round(
      String type, float[] w, Rounding how, Curvature curvature, KernelTier tier, int threads) {
    Grid grid = Grid.of(DType.of(type), Plain.F16);
    try (var pool = new ComputePool(threads)) {
      return Gptq.round(w, w.length / COLS, curvature, grid, how, tier.create(pool));
    }
  }

  /** The layer's, over some of the rows. */
  private static double error(float[] w, Integers found, Curvature curvature) {
    float[] off = found.floats();
    for (int i = 0; i < off.length; i++) {
      off[i] -= w[i];
    }
    double sum = 0;
    for (int row = 0; row < w.length / COLS; row += 10) {
      for (int i = 0; i < COLS; i++) {
        double turned = 0;
        for (int j = 0; j < COLS; j++) {
          turned += curvature.hessian()[i * COLS + j] * off[row * COLS + j];
        }
        sum += turned * off[row * COLS + i];
      }
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(strings = {"int4-g32-asym", "q6_k"})
  void threadsChangeNothing(String type) {
    KernelTier tier = KernelTier.select(Optional.empty()).tier();
    var how = Rounding.of(Method.GPTQ);
    float[] w = floats(ROWS * COLS, 1);
    try (var pool = new ComputePool(2)) {
      Curvature curvature = curvature(how, tier.create(pool));
      Integers one = round(type, w, how, curvature, tier, 1);
      for (int threads : new int[] {2, 3, 7}) {
        Integers more = round(type, w, how, curvature, tier, threads);
        assertThat(more.q()).isEqualTo(one.q());
        assertThat(more.scales()).isEqualTo(one.scales());
        assertThat(more.shifts()).isEqualTo(one.shifts());
      }
    }
  }

  /** Groups of many to a block, of more than a block, and of all columns. */
  @ParameterizedTest
  @CsvSource({"int4-g32-asym, true", "int8-g384-asym, true", "int4-channel, false", "q4_k, false"})
  void rowsKnowNothingOfEachOther(String type, boolean order) {
    var how = new Rounding(Method.GPTQ, 0.01, order);
    float[] w = floats(ROWS * COLS, 1);
    try (var pool = new ComputePool(2)) {
      Curvature curvature = curvature(how, KernelTier.select(Optional.empty()).tier().create(pool));
      Integers all = round(type, w, how, curvature, KernelTier.SCALAR, 2);
      int first = 510;
      float[] some = Arrays.copyOfRange(w, first * COLS, w.length);
      Integers alone = round(type, some, how, curvature, KernelTier.SCALAR, 1);
      assertThat(Arrays.copyOfRange(all.floats(), first * COLS, w.length))
          .isEqualTo(alone.floats());
    }
  }

  /** What {@link Descent} adds, and it knows the slopes that it goes down. */
  @ParameterizedTest
  @CsvSource({
    "int4-g32-asym, 0.9",
    "int4-g384, 0.9",
    "int4-channel-asym, 0.9",
    "int4-channel, 0.9",
    "q4_1, 0.9",
    "q4_k, 0.99"
  })
  void goesFurtherDown(String type, double most) {
    var how = Rounding.of(Method.GPTQ);
    var range = Rounding.of(Method.GPTQ_RANGE);
    KernelTier tier = KernelTier.select(Optional.empty()).tier();
    float[] w = floats(ROWS * COLS, 1);
    try (var pool = new ComputePool(2)) {
      Curvature curvature = curvature(how, tier.create(pool));
      double before = error(w, round(type, w, range, curvature, tier, 2), curvature);
      double after = error(w, round(type, w, how, curvature, tier, 2), curvature);
      assertThat(after / before).isLessThan(most);
    }
  }
}
