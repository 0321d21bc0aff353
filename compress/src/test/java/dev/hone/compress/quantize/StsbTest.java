package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.measure.Example;
import dev.hone.measure.Metric;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What rounding MiniLM's weights costs on STS-B's test set, embeddings at 8 bits included. */
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
