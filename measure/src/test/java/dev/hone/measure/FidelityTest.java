package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class FidelityTest {
  @Test
  void cosinesOfEveryTextWhateverTheirLength() {
    List<float[]> original = rows(new float[][] {{1, 0}, {0, 2}, {3, 4}});
    List<float[]> candidate = rows(new float[][] {{5, 0}, {1, 1}, {4, 3}});
    Fidelity fidelity = Fidelity.of(original, candidate);
    assertThat(fidelity.cosines())
        .containsExactly(new double[] {1, Math.sqrt(0.5), 0.96}, within(1e-12));
    assertThat(fidelity.minCosine()).isCloseTo(Math.sqrt(0.5), within(1e-12));
    assertThat(fidelity.loss()).isCloseTo(1 - (1 + Math.sqrt(0.5) + 0.96) / 3, within(1e-12));
  }

  @Test
  void equalEmbeddingsLoseExactlyNothing() {
    List<float[]> embeddings = rows(new float[][] {{0.1f, 0.7f, 0.3f}, {0.3f, 0.2f, 0.9f}});
    Fidelity fidelity = Fidelity.of(embeddings, embeddings);
    assertThat(fidelity.loss()).isBetween(0.0, 1e-15);
    assertThat(fidelity.neighbourAgreement()).isEqualTo(1);
  }

  @Test
  void neighboursOfPointsOnACircle() {
    List<float[]> original = circle(0, 10, 25, 45, 70);
    // The third text has moved past the fourth: only the first keeps its nearest neighbour of one.
    List<float[]> candidate = circle(0, 10, 60, 45, 70);
    // Nearest of five, before: 1 0 1 2 3, after: 1 0 4 2 2.
    assertThat(Fidelity.neighbourAgreement(original, candidate, 1))
        .isCloseTo(3.0 / 5, within(1e-12));
  }

  @Test
  void aBrokenModelIsSaidToBe() {
    assertThatThrownBy(
            () -> Fidelity.of(rows(new float[][] {{1, 0}}), rows(new float[][] {{Float.NaN, 0}})))
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> Fidelity.of(rows(new float[1][2]), rows(new float[2][2])))
        .hasMessageContaining("original=1, candidate=2");
  }

  @Test
  void divergenceAndFlipsOfClasses() {
    List<float[]> original = rows(new float[][] {{0.5f, 0.5f}, {0.9f, 0.1f}, {0.25f, 0.75f}});
    List<float[]> candidate = rows(new float[][] {{0.5f, 0.5f}, {0.4f, 0.6f}, {0.25f, 0.75f}});
    ClassFidelity fidelity = ClassFidelity.of(original, candidate);
    assertThat(fidelity.flips()).isEqualTo(1);
    assertThat(fidelity.flipRate()).isCloseTo(1.0 / 3, within(1e-12));
    double expected = 0.9 * Math.log(0.9 / 0.4) + 0.1 * Math.log(0.1 / 0.6);
    assertThat(fidelity.meanDivergence()).isCloseTo(expected / 3, within(1e-6));
  }

  @Test
  void logitsAreNoProbabilities() {
    List<float[]> logits = rows(new float[][] {{3, -1}});
    assertThatThrownBy(() -> ClassFidelity.of(logits, logits)).hasMessageContaining("sum to 2.0");
  }

  private static List<float[]> rows(float[][] rows) {
    return List.of(rows);
  }

  private static List<float[]> circle(double... degrees) {
    float[][] points = new float[degrees.length][];
    for (int i = 0; i < degrees.length; i++) {
      double radians = Math.toRadians(degrees[i]);
      points[i] = new float[] {(float) Math.cos(radians), (float) Math.sin(radians)};
    }
    return rows(points);
  }
}
