package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.quantize.LaneProduct.Range;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LaneProductTest {
  private static final int N = 700;
  private static final int STRIPS = 3;

  private final Random random = new Random(1);

  private float[] floats(int count) {
    float[] all = new float[count];
    for (int i = 0; i < count; i++) {
      all[i] = (float) random.nextGaussian();
    }
    return all;
  }

  private float[][][] lanes(int columns) {
    float[][][] all = new float[STRIPS][columns][];
    for (float[][] strip : all) {
      Arrays.setAll(strip, _ -> floats(Strip.LANES));
    }
    return all;
  }

  /**
   * Of some columns in their own order or in another, of more than are changed at once, of none.
   */
  @ParameterizedTest
  @CsvSource({
    "30, 94, 100, 700, false",
    "0, 33, 0, 700, true",
    "690, 700, 5, 6, true",
    "0, 64, 700, 700, true"
  })
  void subtractsProducts(int fromK, int toK, int fromI, int toI, boolean turned) {
    Integer[] order = IntStream.range(0, N).boxed().toArray(Integer[]::new);
    if (turned) {
      Collections.reverse(Arrays.asList(order));
    }
    int[] columns = Arrays.stream(order).mapToInt(i -> i).toArray();
    float[] a = floats(N * N);
    float[][][] x = lanes(toK - fromK + 5);
    float[][][] y = lanes(N);
    float[][][] before = new float[STRIPS][N][];
    for (int s = 0; s < STRIPS; s++) {
      float[][] strip = y[s];
      Arrays.setAll(before[s], c -> strip[c].clone());
    }
    try (var pool = new ComputePool(2);
        var product =
            new LaneProduct(KernelTier.select(Optional.empty()).tier().create(pool), STRIPS, 64)) {
      product.subtract(a, new Range(fromK, toK), new Range(fromI, toI), x, y, columns);
    }
    for (int i = 0; i < N; i++) {
      int column = columns[i];
      for (int s = 0; s < STRIPS; s++) {
        for (int r = 0; r < Strip.LANES; r++) {
          double sum = before[s][column][r];
          for (int k = fromK; k < toK && i >= fromI && i < toI; k++) {
            sum -= a[i * N + k] * x[s][k - fromK][r];
          }
          assertThat((double) y[s][column][r]).isCloseTo(sum, within(2e-3));
        }
      }
    }
  }
}
