package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.measure.Example;
import dev.hone.measure.Fidelity;
import dev.hone.measure.Metric;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType;
import dev.hone.tensor.Input;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What rounding MiniLM costs on STS-B's test set, embeddings at 8 bits included. */
@Tag("shared")
class StsbTest {
  private static final double PUBLISHED = 0.82032;

  @Test
  void roundingCostsLittle() {
    Task task = Task.of("stsb");
    List<Example> examples =
        task.examples(Path.of(System.getProperty("hone.shared"), "assets/text/stsb/sts-test.csv"));
    Path minilm = Hub.system().resolve("minilm", Progress.NONE);
    try (Encoder original = Encoder.load(minilm, EncoderOptions.defaults())) {
      double spearman = spearman(task, original, examples);
      assertThat(spearman).isCloseTo(PUBLISHED, within(0.001));
      assertThat(quantized("int8-channel", task, original, examples))
          .isGreaterThan(spearman - 0.001);
      assertThat(quantized("int4-g32-asym", task, original, examples))
          .isGreaterThan(spearman - 0.006);
    }
  }

  /** Weights and inputs of 8 bits; the bounds are twice as near as ONNX Runtime's dynamic int8. */
  @Test
  void integerProductsStayNear() {
    Task task = Task.of("stsb");
    List<Example> examples =
        task.examples(Path.of(System.getProperty("hone.shared"), "assets/text/stsb/sts-test.csv"));
    List<String> texts = examples.stream().flatMap(e -> Stream.of(e.text(), e.pair())).toList();
    DType int8 = DType.of("int8-channel");
    Recipe recipe =
        Recipe.of(
            "integers",
            new Encode(int8, LayerSelection.blocks()),
            new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks()),
            new Encode(int8, LayerSelection.of(LayerKind.EMBEDDING)));
    Path minilm = Hub.system().resolve("minilm", Progress.NONE);
    try (Arena arena = Arena.ofShared();
        Encoder original = Encoder.load(minilm, EncoderOptions.defaults());
        Encoder integers =
            original.with(recipe.apply(original.model().transformer(), arena).model())) {
      assertThat(spearman(task, integers, examples)).isGreaterThan(0.8185);
      Fidelity fidelity = Fidelity.of(original.embed(texts), integers.embed(texts));
      assertThat(fidelity.meanCosine()).isGreaterThan(0.998);
      assertThat(fidelity.minCosine()).isGreaterThan(0.99);
    }
  }

  private static double quantized(
      String type, Task task, Encoder original, List<Example> examples) {
    Recipe recipe =
        Recipe.of(
            type,
            new Encode(DType.of(type), LayerSelection.blocks()),
            new Encode(DType.of("int8-channel"), LayerSelection.of(LayerKind.EMBEDDING)));
    try (Arena arena = Arena.ofShared();
        Encoder changed =
            original.with(recipe.apply(original.model().transformer(), arena).model())) {
      return spearman(task, changed, examples);
    }
  }

  private static double spearman(Task task, Encoder encoder, List<Example> examples) {
    TaskScore score = TaskScore.of(task, encoder, examples);
    return Metric.SPEARMAN.of(score.predicted(), score.expected());
  }
}
