package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GridFitTest {
  private static final int ROWS = 150;
  private static final int COLS = 512;

  private static float[] weights(long seed) {
    var random = new Random(seed);
    float[] w = new float[ROWS * COLS];
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) (random.nextGaussian() * Math.exp(random.nextGaussian() / 2));
    }
    return w;
  }

  /** A column that counts more is met better: the error counts it so. */
  private static double error(float[] w, float[] q, float[] importance) {
    double sum = 0;
    for (int i = 0; i < w.length; i++) {
      sum += importance[i % COLS] * (w[i] - q[i]) * (w[i] - q[i]);
    }
    return sum;
  }

  private static float[] round(
      String type, Rounding.Method method, float[] w, Curvature curvature) {
    try (Arena arena = Arena.ofShared();
        var pool = new ComputePool(2)) {
      Grid grid = Grid.of(DType.of(type), Plain.F16);
      Kernels kernels = KernelTier.SCALAR.create(pool);
      Tensor tensor =
          Gptq.round(w, ROWS, curvature, grid, Rounding.of(method), kernels).tensor(arena, pool);
      assertThat(tensor.dtype()).isEqualTo(DType.of(type));
      return Layouts.floats(tensor);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "int4-g32-asym",
        "int4-g64",
        "int4-channel-asym",
        "int8-g32-asym",
        "int8-channel",
        "int2-g16-asym",
        "int3-g64",
        "int5-g32-asym",
        "int6-channel",
        "int7-g32-asym",
        "q8_0",
        "q4_0",
        "q4_1",
        "q5_0",
        "q5_1",
        "q2_k",
        "q3_k",
        "q4_k",
        "q5_k",
        "q6_k",
        "iq4_nl"
      })
  void refittedGridsAreBetter(String type) {
    float[] w = weights(1);
    Curvature flat = Curvature.flat(COLS);
    for (int i = 0; i < COLS; i++) {
      flat.importance()[i] = 0.1f + i % 7;
    }
    double range = error(w, round(type, Rounding.Method.RTN, w, flat), flat.importance());
    double refit = error(w, round(type, Rounding.Method.REFIT, w, flat), flat.importance());
    assertThat(refit).isLessThan(range * (type.matches("int[678].*|q8_0") ? 1.0 : 0.97));
  }

  /** The definition: what Layouts encode, but for scales in F16. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "int2-g32",
        "int3-g32-asym",
        "int4-g32-asym",
        "int4-g64",
        "int5-channel",
        "int6-g32-asym",
        "int8-channel",
        "int8-g32-asym"
      })
  void unfittedGridsAreTheLayouts(String type) {
    float[] w = weights(2);
    try (Arena arena = Arena.ofConfined()) {
      Tensor source = Tensor.copyOf(arena, w, ROWS, COLS);
      float[] expected = Layouts.floats(Layouts.encode(source, DType.of(type), Plain.F16, arena));
      float[] found = round(type, Rounding.Method.RTN, w, Curvature.flat(COLS));
      int far = 0;
      for (int i = 0; i < found.length; i++) {
        far += Math.abs(found[i] - expected[i]) > 1e-5 * (1 + Math.abs(expected[i])) ? 1 : 0;
      }
      // A tie may fall to the other side where the quotient is computed in another order.
      assertThat(far).isLessThan(found.length / 1000);
    }
  }

  /** Weights that stand on a grid already are met exactly, zeros and equal ones too. */
  @ParameterizedTest
  @ValueSource(strings = {"int4-g32-asym", "int4-g32", "q4_0", "q4_1", "iq4_nl"})
  void findsAGridThatIsThere(String type) {
    float[] w = new float[ROWS * COLS];
    var random = new Random(3);
    byte[] levels = Layouts.iq4nlValues();
    for (int i = 0; i < w.length; i++) {
      int place = i % 32 < 2 ? i % 32 * 15 : random.nextInt(16); // both ends in every group
      boolean zeros = i / COLS % 10 == 9;
      w[i] = zeros ? 0 : 0.25f * (type.equals("iq4_nl") ? levels[place] : place - 8);
    }
    float[] found = round(type, Rounding.Method.REFIT, w, Curvature.flat(COLS));
    for (int i = 0; i < w.length; i++) {
      assertThat(found[i]).isCloseTo(w[i], within(1e-6f));
    }
  }
}
