package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import dev.hone.model.Batch;
import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.Linear;
import dev.hone.model.Projections;
import dev.hone.model.folder.Model;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The built-in all-MiniLM-L6-v2, whose published ONNX file has lost the names of 36 weights. */
class MiniLmTest {

  @Test
  void everyWeightIsFound() {
    try (Model model = Model.load(Hub.system().resolve("minilm", Progress.NONE))) {
      var transformer = model.transformer();
      assertThat(transformer.embeddings().word().weight().tensor().shape())
          .containsExactly(30522, 384);
      assertThat(transformer.blocks()).hasSize(6);
      for (int i = 0; i < 6; i++) {
        Block block = transformer.blocks().get(i);
        String layer = "encoder.layer." + i + ".";
        var projections = (Projections.Separate) block.attention().projections();
        assertLinear(projections.query(), layer + "attention.self.query", 384, 384);
        assertLinear(projections.key(), layer + "attention.self.key", 384, 384);
        assertLinear(projections.value(), layer + "attention.self.value", 384, 384);
        assertLinear(block.attention().output(), layer + "attention.output.dense", 384, 384);
        var mlp = (FeedForward.Mlp) block.feedForward();
        assertLinear(mlp.up(), layer + "intermediate.dense", 1536, 384);
        assertLinear(mlp.down(), layer + "output.dense", 384, 1536);
      }
      assertThat(model.unused())
          .containsExactly("embeddings.position_ids", "pooler.dense.bias", "pooler.dense.weight");
    }
  }

  /** Each row the mean of a text's hidden states, of length one. */
  @Test
  @Tag("shared")
  void everyFifthTextIsWhereTheReferencePutIt() {
    Path file = Path.of(System.getProperty("hone.shared"), "goldens/minilm/golden.safetensors");
    try (Arena arena = Arena.ofConfined();
        var pool = new ComputePool(2);
        Model model = Model.load(Hub.system().resolve("minilm", Progress.NONE));
        var engine = new Engine(model.transformer(), KernelTier.VECTOR.create(pool))) {
      Safetensors golden = Safetensors.open(file, arena);
      Tensor wanted = golden.tensor("embeddings");
      for (int text = 0; text < wanted.rows(); text += 5) {
        int[] ids = golden.tensor("ids." + text).data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
        float[] embedding = meanOfLengthOne(engine.hidden(Batch.of(List.of(ids))));
        for (int i = 0; i < embedding.length; i++) {
          assertThat(embedding[i])
              .as("text %d", text)
              .isCloseTo(wanted.get(text, i), within(1e-5f));
        }
      }
    }
  }

  private static float[] meanOfLengthOne(float[][] hidden) {
    float[] mean = new float[hidden[0].length];
    double squares = 0;
    for (int i = 0; i < mean.length; i++) {
      for (float[] token : hidden) {
        mean[i] += token[i];
      }
      squares += mean[i] * mean[i];
    }
    for (int i = 0; i < mean.length; i++) {
      mean[i] /= (float) Math.sqrt(squares);
    }
    return mean;
  }

  private static void assertLinear(Linear layer, String name, long out, long in) {
    assertThat(layer.weight().name()).isEqualTo(name + ".weight");
    assertThat(layer.weight().tensor().shape()).containsExactly(out, in);
    assertThat(layer.bias().name()).isEqualTo(name + ".bias");
    assertThat(layer.bias().tensor().shape()).containsExactly(out);
  }
}
