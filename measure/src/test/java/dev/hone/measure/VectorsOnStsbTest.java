package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.runtime.Int8Vector;
import dev.hone.runtime.Matryoshka;
import dev.hone.runtime.Similarity;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleBiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What smaller vectors of MiniLM, which was not trained for shorter ones, cost on STS-B's test. */
@Tag("shared")
class VectorsOnStsbTest {
  private static List<Example> examples;
  private static List<float[]> vectors;
  private static float[] least;
  private static float[] largest;
  private static double whole;

  @BeforeAll
  static void embed() {
    Path data = Path.of(System.getProperty("hone.shared"), "assets/text/stsb");
    examples = Task.of("stsb").examples(data.resolve("sts-test.csv"));
    List<Example> train = Task.of("stsb").examples(data.resolve("sts-train.csv")).subList(0, 1000);
    Path minilm = Hub.system().resolve("minilm", Progress.NONE);
    try (Encoder encoder = Encoder.load(minilm, EncoderOptions.defaults())) {
      vectors = encoder.embed(texts(examples));
      range(encoder.embed(texts(train)));
    }
    whole = spearman(UnaryOperator.identity(), Similarity::cosine);
  }

  private static void range(List<float[]> others) {
    least = others.getFirst().clone();
    largest = least.clone();
    for (float[] other : others) {
      for (int i = 0; i < other.length; i++) {
        least[i] = Math.min(least[i], other[i]);
        largest[i] = Math.max(largest[i], other[i]);
      }
    }
  }

  private static List<String> texts(List<Example> pairs) {
    return pairs.stream().flatMap(e -> Stream.of(e.text(), e.pair())).toList();
  }

  private static <T> double spearman(Function<float[], T> made, ToDoubleBiFunction<T, T> cosine) {
    List<T> all = vectors.stream().map(made).toList();
    double[] predicted = new double[examples.size()];
    for (int i = 0; i < predicted.length; i++) {
      predicted[i] = cosine.applyAsDouble(all.get(2 * i), all.get(2 * i + 1));
    }
    double[] expected =
        examples.stream().mapToDouble(e -> Double.parseDouble(e.expected())).toArray();
    return Metric.SPEARMAN.of(predicted, expected);
  }

  /**
   * A grid for each vector loses less than one for each dimension that was found from other texts,
   * as sentence-transformers' quantize_embeddings has it, whose integers are compared as they are.
   */
  @Test
  void eightBitsCostNothing() {
    assertThat(spearman(Int8Vector::of, Int8Vector::cosine)).isGreaterThan(whole - 0.0002);
    double byDimension = spearman(VectorsOnStsbTest::codes, Similarity::cosine);
    assertThat(Math.abs(whole - spearman(Int8Vector::of, Int8Vector::cosine)))
        .isLessThan(Math.abs(whole - byDimension));
    assertThat(turn(v -> Int8Vector.of(v).floats()))
        .isLessThan(1e-4)
        .isLessThan(turn(VectorsOnStsbTest::decoded));
  }

  /** 1 less the mean cosine to what was rounded. */
  private static double turn(UnaryOperator<float[]> rounded) {
    return vectors.stream()
        .mapToDouble(v -> 1.0 - Similarity.cosine(v, rounded.apply(v)))
        .average()
        .orElseThrow();
  }

  /** 255 steps from the least to the largest that the other texts have in a dimension. */
  private static float[] codes(float[] vector) {
    float[] codes = new float[vector.length];
    for (int i = 0; i < codes.length; i++) {
      int code = (int) ((vector[i] - least[i]) / step(i) - 128); // towards zero, as theirs
      codes[i] = Math.clamp(code, -128, 127);
    }
    return codes;
  }

  private static float[] decoded(float[] vector) {
    float[] codes = codes(vector);
    for (int i = 0; i < codes.length; i++) {
      double middle = codes[i] + Math.signum(codes[i]) / 2;
      codes[i] = (float) (least[i] + (middle + 128) * step(i));
    }
    return codes;
  }

  private static double step(int dimension) {
    return (largest[dimension] - least[dimension]) / 255;
  }

  @ParameterizedTest
  @CsvSource({"256, 0.002", "192, 0.006", "128, 0.015", "64, 0.03"})
  void shorterOnesCostSome(int dimensions, double most) {
    double shorter = spearman(v -> Matryoshka.shortened(v, dimensions), Similarity::cosine);
    assertThat(shorter).isBetween(whole - most, whole - 0.0001);
    assertThat(
            spearman(v -> Int8Vector.of(Matryoshka.shortened(v, dimensions)), Int8Vector::cosine))
        .isGreaterThan(shorter - 0.0005);
  }
}
