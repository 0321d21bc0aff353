package dev.hone.compress.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.tensor.parallel.ComputePool;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InverseFactorTest {

  /** {@code H⁻¹ = Uᵀ U} is {@code U H Uᵀ = 1}. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 64, 65, 200, 400})
  void undoesTheHessian(int n) {
    double[] h = gram(n, n + 20, 3);
    try (var pool = new ComputePool(2)) {
      float[] u = InverseFactor.of("layer", n, 0, _ -> (i, j) -> h[i * n + j], pool).upper();
      double[] uh = multiply(u, h, n);
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int k = j; k < n; k++) {
            sum += uh[i * n + k] * u[j * n + k];
          }
          assertThat(sum).isCloseTo(i == j ? 1 : 0, within(1e-4));
          assertThat(i <= j || u[i * n + j] == 0).isTrue();
        }
      }
    }
  }

  /** A matrix of rank 1, and one whose least eigenvalue is -2. */
  @ParameterizedTest
  @CsvSource({"1, 0, 1e-4", "1, 0.5, 0.5", "3, 0.01, 10", "3, 0, 10"})
  void dampsUntilThereIsAFactor(double beside, double asked, double sufficient) {
    try (var pool = new ComputePool(1)) {
      InverseFactor factor =
          InverseFactor.of(
              "layer", 2, asked, damping -> (i, j) -> i == j ? 1 + damping : beside, pool);
      assertThat(factor.damping()).isCloseTo(sufficient, within(1e-9));
    }
  }

  @Test
  void refusesWhatIsNoNumber() {
    try (var pool = new ComputePool(1)) {
      assertThatThrownBy(
              () -> InverseFactor.of("layer 7", 2, 0.01, _ -> (_, _) -> Double.NaN, pool))
          .isInstanceOf(ArithmeticException.class)
          .hasMessageContaining("layer 7: the Hessian is not positive definite");
    }
  }

  private static double[] multiply(float[] u, double[] h, int n) {
    double[] product = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        for (int k = i; k < n; k++) {
          product[i * n + j] += u[i * n + k] * h[k * n + j];
        }
      }
    }
    return product;
  }

  /** {@code Xᵀ X} of random inputs whose columns hang together. */
  static double[] gram(int n, int tokens, long seed) {
    var random = new Random(seed);
    double[] h = new double[n * n];
    double[] x = new double[n];
    for (int t = 0; t < tokens; t++) {
      double last = 0;
      for (int i = 0; i < n; i++) {
        last = 0.7 * last + random.nextGaussian();
        x[i] = last * (1 + i % 5);
      }
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          h[i * n + j] += x[i] * x[j];
        }
      }
    }
    return h;
  }
}
