package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.quantize.Observer.Method;
import dev.hone.model.Linear;
import dev.hone.model.Weight;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class InputHistogramTest {
  private final ComputePool pool = new ComputePool(2);
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
    pool.close();
  }

  private InputRange seen(Tensor x, boolean weigh) {
    var range = new InputRange();
    Tensor ones = Tensor.allocate(arena, Plain.F32, 1, x.cols());
    ones.data().setAtIndex(Tensor.FLOAT, 0, 1); // the first column alone is read
    range.addReader(new Linear(new Weight("layer.weight", ones), null));
    range.reach(x, pool);
    range.average(x, pool);
    range.count(x, weigh, pool);
    return range;
  }

  private Tensor normal(int rows, int cols) {
    var random = new Random(1);
    Tensor x = Tensor.allocate(arena, Plain.F32, rows, cols);
    for (int i = 0; i < rows * cols; i++) {
      x.data().setAtIndex(Tensor.FLOAT, i, (float) random.nextGaussian());
    }
    return x;
  }

  private static double error(Tensor x, StaticInt8 grid) {
    float[] exact = x.toArray();
    float[] rounded = exact.clone();
    grid.round(rounded);
    double sum = 0;
    for (int i = 0; i < exact.length; i++) {
      sum += (exact[i] - rounded[i]) * (exact[i] - rounded[i]);
    }
    return sum;
  }

  /** A thousandth of the numbers reaches ten times as far: the range that holds them costs more. */
  @Test
  void leastSquaredErrorCutsWhatIsFarOut() {
    Tensor x = normal(2000, 16);
    for (int r = 0; r < 3; r++) {
      x.data().setAtIndex(Tensor.FLOAT, 321 + 160L * r, 12);
    }
    InputRange range = seen(x, false);
    StaticInt8 whole = Observer.of(Method.MIN_MAX).grid(range);
    StaticInt8 cut = range.histogram().search(range.histogram()::squaredError);
    assertThat(whole.scale()).isCloseTo((12 - range.least()) / 255, within(1e-6f));
    assertThat(range.histogram().squaredError(whole))
        .isCloseTo(error(x, whole), within(0.02 * error(x, whole)));
    assertThat(error(x, cut)).isLessThanOrEqualTo(error(x, whole));
    StaticInt8 percentile = new Observer(Method.PERCENTILE, 99.8).grid(range);
    assertThat(percentile.scale()).isBetween(5.5f / 255, 6.8f / 255); // 0.1 % lies above 3.09
  }

  /** Where one column alone is read, the others' reach costs it nothing. */
  @Test
  void columnsCountAsTheyAreRead() {
    Tensor x = normal(500, 4);
    for (int r = 0; r < 500; r++) {
      x.data().setAtIndex(Tensor.FLOAT, 4L * r + 3, 40 * x.get(r, 3));
    }
    StaticInt8 all = Observer.USUAL.grid(seen(x, false));
    StaticInt8 first = Observer.USUAL.grid(seen(x, true));
    assertThat(all.scale()).isGreaterThan(100f / 255);
    assertThat(first.scale()).isLessThan(12f / 255);
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void whatIsAlwaysTheSameStaysSo(Method method) {
    for (float constant : new float[] {0, 3, -0.25f}) {
      Tensor x = Tensor.allocate(arena, Plain.F32, 5, 3);
      for (int i = 0; i < 15; i++) {
        x.data().setAtIndex(Tensor.FLOAT, i, constant);
      }
      float[] row = {constant, 0};
      Observer.of(method).grid(seen(x, false)).round(row);
      assertThat(row[0]).as("%s", constant).isCloseTo(constant, within(1e-6f));
      assertThat(row[1]).isZero();
    }
  }

  /** A peak and long thin sides: some of these are cut, the peak is not. */
  @Test
  void leastDivergenceKeepsThePeak() {
    Tensor x = normal(4000, 8);
    for (int i = 0; i < 32_000; i += 100) {
      x.data().setAtIndex(Tensor.FLOAT, i, 8 * x.toArray()[i]);
    }
    InputRange range = seen(x, false);
    StaticInt8 grid = Observer.of(Method.KL).grid(range);
    assertThat(grid.scale() * 255).isBetween(6f, range.most() - range.least());
  }
}
