package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ColumnBalanceTest {
  private static final int TOKENS = 400;
  private static final int COLUMNS = 24;
  private static final int OUT = 16;

  private final Random random = new Random(1);
  private final float[][] x = new float[TOKENS][COLUMNS];
  private final float[] weights = new float[OUT * COLUMNS];

  /** The first column reaches fifty times as far as the others, at one token of twenty. */
  ColumnBalanceTest() {
    for (int t = 0; t < TOKENS; t++) {
      for (int c = 0; c < COLUMNS; c++) {
        x[t][c] = (float) random.nextGaussian();
      }
      x[t][0] = t % 20 == 0 ? 150 : 0;
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
  }

  private ColumnFactors balanced() {
    float[] spans = new float[COLUMNS];
    double[] powers = new double[COLUMNS];
    for (float[] row : x) {
      for (int c = 0; c < COLUMNS; c++) {
        spans[c] = Math.max(spans[c], Math.abs(row[c]));
        powers[c] += (double) row[c] * row[c] / TOKENS;
      }
    }
    return ColumnBalance.of(spans, powers, List.of(weights));
  }

  /** The squared error of products of integers, over that of all answers. */
  private double loss(ColumnFactors factors) {
    float least = 0;
    float most = 0;
    for (float[] row : x) {
      for (int c = 0; c < COLUMNS; c++) {
        least = Math.min(least, row[c] * factors.of(c));
        most = Math.max(most, row[c] * factors.of(c));
      }
    }
    StaticInt8 grid = StaticInt8.of(least, most).with(factors);
    float[] divided = weights.clone();
    for (int i = 0; i < divided.length; i++) {
      divided[i] /= factors.of(i % COLUMNS);
    }
    try (Arena arena = Arena.ofConfined()) {
      Tensor matrix = Tensor.copyOf(arena, divided, OUT, COLUMNS);
      float[] integers =
          Layouts.decode(Layouts.encode(matrix, new Affine(8, 0, true), arena), arena).toArray();
      double lost = 0;
      double all = 0;
      for (float[] row : x) {
        float[] read = row.clone();
        grid.round(read);
        for (int n = 0; n < OUT; n++) {
          double exact = 0;
          double found = 0;
          for (int c = 0; c < COLUMNS; c++) {
            exact += row[c] * weights[n * COLUMNS + c];
            found += read[c] * integers[n * COLUMNS + c];
          }
          lost += (exact - found) * (exact - found);
          all += exact * exact;
        }
      }
      return lost / all;
    }
  }

  @Test
  void aColumnThatReachesFarLeavesTheOthersTheirSteps() {
    assertThat(loss(balanced())).isLessThan(loss(ColumnFactors.NONE) / 4);
  }

  @Test
  void columnsThatWereNeverReadKeepTheirWeights() {
    for (float[] row : x) {
      row[3] = 0;
    }
    ColumnFactors factors = balanced();
    assertThat(factors.of(3)).isEqualTo(1f / 150);
  }

  @Test
  void nothingButZerosNeedsNone() {
    for (float[] row : x) {
      Arrays.fill(row, 0);
    }
    assertThat(balanced()).isEqualTo(ColumnFactors.NONE);
  }
}
