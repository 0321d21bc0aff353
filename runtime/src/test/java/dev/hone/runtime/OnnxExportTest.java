package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Batch;
import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Hone writes as ONNX, ONNX Runtime answers as Hone does, and Hone reads back as it was. */
class OnnxExportTest {
  private static final double TOLERANCE = 1e-4;
  private static final ObjectNode PROVENANCE =
      JsonNodeFactory.instance.objectNode().put("by", "a test");

  @TempDir Path scratch;

  @ParameterizedTest
  @ValueSource(strings = {"embed-mean", "classify-one-of-three", "tokens"})
  void tinyModels(String name) throws IOException, OrtException {
    check(TinyModels.pipeline(name, scratch).folder(), TOLERANCE);
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "embed-cls",
        "embed-dense",
        "embed-dense-old-form",
        "embed-last-token",
        "embed-max",
        "embed-mean-sqrt",
        "embed-truncate-32",
        "embed-weighted-mean",
        "rerank",
        "zero-shot"
      })
  void pipelines(String name) throws IOException, OrtException {
    check(shared("goldens/pipelines/" + name), TOLERANCE);
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "modernbert"})
  void architectures(String name) throws IOException, OrtException {
    check(shared("goldens/" + name), TOLERANCE);
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "modernbert"})
  void hiddenStates(String name) throws IOException, OrtException {
    try (Model model = Model.load(shared("goldens/" + name))) {
      check(model, model.transformer().with(new Head.HiddenStates()), TOLERANCE);
    }
  }

  @Test
  void miniLm() throws IOException, OrtException {
    try (Encoder encoder = Encoder.load("minilm")) {
      check(encoder.model(), encoder.model().transformer(), TOLERANCE);
    }
  }

  private void check(Path folder, double tolerance) throws IOException, OrtException {
    try (Model model = Model.load(folder)) {
      check(model, model.transformer(), tolerance);
    }
  }

  private void check(Model source, Transformer model, double tolerance)
      throws IOException, OrtException {
    Path folder = scratch.resolve("exported");
    ModelWriter.writeOnnx(source, model, PROVENANCE, folder);
    Batch batch = batch(model);
    List<float[]> expected = answers(model, batch);
    try (var theirs = new OnnxRuntime(folder.resolve("model.onnx"))) {
      boolean segments = model.embeddings().tokenType().filter(t -> t.entries() > 1).isPresent();
      assertThat(theirs.inputs().contains("token_type_ids")).isEqualTo(segments);
      assertClose(theirs.run(output(model), batch), expected, tolerance);
      if (theirs.outputs().size() > 1) {
        Transformer body = model.with(new Head.HiddenStates());
        assertClose(theirs.run(output(body), batch), answers(body, batch), tolerance);
      }
    }
    if (model.head().equals(source.transformer().head())) { // another head is not the config's
      try (Model back = Model.load(folder)) {
        checkSame(model, back.transformer());
      }
    }
  }

  /** Four sequences of unequal lengths, one of them of two segments where the model knows any. */
  private static Batch batch(Transformer model) {
    var random = new Random(7);
    List<int[]> ids = new ArrayList<>();
    List<int[]> types = new ArrayList<>();
    int segments = model.embeddings().tokenType().map(t -> t.entries()).orElse(1);
    for (int length : new int[] {5, 1, 40, 17}) {
      int entries = model.embeddings().word().entries();
      ids.add(random.ints(length, 0, entries).toArray());
      int[] type = new int[length];
      java.util.Arrays.fill(type, length / 2, length, segments > 1 && length == 17 ? 1 : 0);
      types.add(type);
    }
    return Batch.of(ids, types);
  }

  private static List<float[]> answers(Transformer model, Batch batch) {
    try (var pool = new ComputePool(1);
        var engine = new Engine(model, KernelTier.SCALAR.create(pool))) {
      return List.of(engine.run(batch));
    }
  }

  private static String output(Transformer model) {
    return switch (model.head()) {
      case Head.HiddenStates _ -> "last_hidden_state";
      case Head.SequenceLabels _, Head.TokenLabels _ -> "logits";
      case Head.SentenceEmbedding _ -> "sentence_embedding";
      case Head.NextToken _ -> throw new AssertionError("no encoder");
    };
  }

  /** Relative to the largest number. */
  private static void assertClose(List<float[]> actual, List<float[]> expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    double largest = 0;
    double furthest = 0;
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i)).hasSameSizeAs(expected.get(i));
      for (int j = 0; j < actual.get(i).length; j++) {
        largest = Math.max(largest, Math.abs(expected.get(i)[j]));
        furthest = Math.max(furthest, Math.abs(actual.get(i)[j] - expected.get(i)[j]));
        assertThat(actual.get(i)[j]).isFinite();
      }
    }
    assertThat(furthest / largest).isLessThan(tolerance);
  }

  /** Every weight the model runs with, under its name. */
  private static void checkSame(Transformer model, Transformer back) {
    List<Weight> weights = model.weights();
    assertThat(back.weights()).hasSameSizeAs(weights);
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < weights.size(); i++) {
        Weight read = back.weights().get(i);
        assertThat(weights.get(i).name()).endsWith(read.name());
        assertThat(floats(read.tensor(), arena))
            .as(read.name())
            .isEqualTo(floats(weights.get(i).tensor(), arena));
      }
    }
  }

  private static float[] floats(Tensor tensor, Arena arena) {
    return Layouts.decode(tensor, arena).toArray();
  }

  private static Path shared(String path) {
    return Path.of(System.getProperty("hone.shared"), path);
  }
}
