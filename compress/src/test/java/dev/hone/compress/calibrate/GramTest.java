package dev.hone.compress.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GramTest {

  @ParameterizedTest
  @CsvSource({"1, 1", "13, 70", "300, 33", "256, 256"})
  void isTheProductOfColumns(int cols, int tokens) {
    var random = new Random(5);
    float[] x = new float[2 * tokens * cols];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    try (Arena arena = Arena.ofShared();
        var pool = new ComputePool(2)) {
      var kernels = KernelTier.select(Optional.empty()).tier().create(pool);
      Gram gram = new Gram("layer", cols, Gram.Extent.ALL);
      Tensor all = Tensor.copyOf(arena, x, 2L * tokens, cols);
      gram.add(all.slice(0, tokens), kernels, pool);
      gram.add(all.slice(tokens, 2L * tokens), kernels, pool);
      assertThat(gram.tokens()).isEqualTo(2L * tokens);
      double[] found = gram.matrix();
      for (int i = 0; i < cols; i++) {
        for (int j = 0; j < cols; j++) {
          double sum = 0;
          for (int t = 0; t < 2 * tokens; t++) {
            sum += (double) x[t * cols + i] * x[t * cols + j];
          }
          assertThat(found[i * cols + j]).isCloseTo(sum, within(1e-4 * (1 + tokens)));
        }
      }
      Gram alone = new Gram("layer", cols, Gram.Extent.DIAGONAL);
      alone.add(all, kernels, pool);
      assertThat(alone.tokens()).isEqualTo(gram.tokens());
      assertThat(alone.largest()).isEqualTo(gram.largest());
      assertThat(alone.means()).containsExactly(gram.means(), within(1e-6));
      assertThat(alone.diagonal()).containsExactly(gram.diagonal(), within(1e-4 * (1 + tokens)));
      assertThatThrownBy(() -> alone.at(0, cols - 1)).isInstanceOf(IllegalStateException.class);
    }
  }
}
