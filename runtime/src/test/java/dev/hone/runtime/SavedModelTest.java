package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model that was written without a change answers what the original answers, bit by bit. */
class SavedModelTest {
  private static final int HIDDEN = 64;
  private static final ObjectNode PROVENANCE =
      JsonNodeFactory.instance.objectNode().put("by", "a test");

  @TempDir Path scratch;
  private Path folder;
  private List<String> texts;

  @BeforeEach
  void original() throws IOException {
    Pipeline pipeline = TinyModels.pipeline("embed-mean", scratch);
    folder = pipeline.folder();
    texts = pipeline.texts();
  }

  @Test
  void asPublishedToday() throws IOException {
    checkRoundTrip();
  }

  @Test
  void withADenseLayer() throws IOException {
    addDense();
    checkRoundTrip();
  }

  @Test
  void withSettingsUnderAnOldName() throws IOException {
    Files.delete(folder.resolve("sentence_bert_config.json"));
    Files.writeString(
        folder.resolve("sentence_xlm-roberta_config.json"),
        "{\"max_seq_length\": 7, \"do_lower_case\": true}");
    checkRoundTrip();
    try (Model saved = Model.load(scratch.resolve("saved"))) {
      assertThat(saved.text().maxTokens()).hasValue(7);
      assertThat(saved.text().lowerCase()).isTrue();
    }
  }

  @Test
  void withTheEncoderInASubfolder() throws IOException {
    addDense();
    Path encoder = Files.createDirectory(folder.resolve("0_Transformer"));
    for (String name :
        List.of(
            "config.json",
            "model.safetensors",
            "sentence_bert_config.json",
            "tokenizer.json",
            "tokenizer_config.json")) {
      Files.move(folder.resolve(name), encoder.resolve(name));
    }
    editModules("\"path\": \"\"", "\"path\": \"0_Transformer\"");
    checkRoundTrip();
  }

  @Test
  void takesThePlaceOfTheOneBeforeOrLeavesIt() throws IOException {
    Path saved = scratch.resolve("saved");
    try (Model model = Model.load(folder)) {
      ModelWriter.write(model, model.transformer(), PROVENANCE, saved);
      Files.writeString(saved.resolve("left-over"), "of the one before");
      ModelWriter.write(model, model.transformer(), PROVENANCE, saved);
    }
    assertThat(saved.resolve("model.safetensors")).exists();
    assertThat(saved.resolve("left-over")).doesNotExist();

    Path missing = scratch.resolve("missing");
    assertThatThrownBy(() -> ModelWriter.move(missing, saved)).isInstanceOf(IOException.class);
    assertThat(saved.resolve("model.safetensors")).exists();
    try (Stream<Path> left = Files.list(scratch)) {
      assertThat(left).as("nothing beside them").containsExactlyInAnyOrder(folder, saved);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"int8-channel", "int4-g32-asym"})
  void quantizedMatricesThatTheCheckpointHasTransposed(String label) throws IOException {
    Path saved = scratch.resolve("saved");
    Path gpt2 = SeededModels.folder("gpt2", Files.createDirectory(scratch.resolve("gpt2")));
    try (Model original = Model.load(gpt2);
        Arena arena = Arena.ofConfined()) {
      Transformer encoded = encoded(original.transformer(), DType.of(label), arena);
      ModelWriter.write(original, encoded, PROVENANCE, saved);
      try (Model copy = Model.load(saved)) {
        List<Weight> weights = copy.transformer().weights();
        assertThat(weights).hasSameSizeAs(encoded.weights());
        for (int i = 0; i < weights.size(); i++) {
          Weight expected = encoded.weights().get(i);
          assertThat(weights.get(i).name()).isEqualTo(expected.name());
          assertThat(weights.get(i).tensor().dtype()).isEqualTo(expected.tensor().dtype());
          assertThat(Layouts.decode(weights.get(i).tensor(), arena).data().toArray(Tensor.FLOAT))
              .as(expected.name())
              .isEqualTo(Layouts.decode(expected.tensor(), arena).data().toArray(Tensor.FLOAT));
        }
      }
    }
  }

  private static Transformer encoded(Transformer model, DType type, Arena arena) {
    return model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            Weight weight = layer.weight();
            return new Linear(
                weight.with(Layouts.encode(weight.tensor(), type, arena)), layer.bias());
          }
        });
  }

  private void checkRoundTrip() throws IOException {
    Path saved = scratch.resolve("saved");
    // The Vector API adds up lanes in an order of its own choosing, which changes as code is
    // compiled.
    EncoderOptions options = EncoderOptions.defaults().kernels(KernelTier.SCALAR).onCut(_ -> {});
    try (Encoder original = Encoder.load(folder, options)) {
      ModelWriter.write(original.model(), original.model().transformer(), PROVENANCE, saved);
      try (Encoder copy = Encoder.load(saved, options)) {
        assertThat(copy.maxTokens()).isEqualTo(original.maxTokens());
        assertThat(copy.model().text()).isEqualTo(original.model().text());
        assertThat(copy.embed(texts).toArray()).isEqualTo(original.embed(texts).toArray());
        for (Model model : List.of(original.model(), copy.model())) {
          assertThat(model.weightFileBytes())
              .isPositive()
              .isEqualTo(weightFileBytes(model.folder()));
          assertThat(model.sizeBytes()).as("nothing converted").isEqualTo(model.weightFileBytes());
        }
      }
    }
  }

  private static long weightFileBytes(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".safetensors"))
          .mapToLong(SavedModelTest::size)
          .sum();
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A dense layer of random weights between pooling and normalization. */
  private void addDense() throws IOException {
    int out = 24;
    Path dense = Files.createDirectory(folder.resolve("2_Dense"));
    Files.writeString(
        dense.resolve("config.json"),
        "{\"in_features\": %d, \"out_features\": %d}".formatted(HIDDEN, out));
    var random = new Random(5);
    try (Arena arena = Arena.ofConfined()) {
      SafetensorsWriter.write(
          dense.resolve("model.safetensors"),
          Map.of(
              "linear.weight", gaussian(random, arena, out, HIDDEN),
              "linear.bias", gaussian(random, arena, out)),
          Map.of());
    }
    editModules(
        "2_Normalize\",",
        """
        2_Dense",
            "type": "sentence_transformers.models.Dense"
          },
          {
            "idx": 3,
            "name": "3",
            "path": "3_Normalize",\
        """);
  }

  private static Tensor gaussian(Random random, Arena arena, long... shape) {
    Tensor tensor = Tensor.allocate(arena, Plain.F32, shape);
    for (long i = 0; i < tensor.data().byteSize() / Float.BYTES; i++) {
      tensor.data().setAtIndex(Tensor.FLOAT, i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private void editModules(String from, String to) throws IOException {
    Path modules = folder.resolve("modules.json");
    String text = Files.readString(modules);
    assertThat(text).contains(from);
    Files.writeString(modules, text.replace(from, to));
  }
}
