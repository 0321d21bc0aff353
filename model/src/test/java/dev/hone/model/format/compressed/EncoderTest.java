package dev.hone.model.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Embedding;
import dev.hone.model.Embeddings;
import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.architecture.Architectures;
import dev.hone.model.architecture.Layers;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.Formats;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.Activation;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EncoderTest {
  /**
   * What the library writes beside the scheme: how scales were found, and what it assumes anyway.
   */
  private static final Set<String> SAYS_NOTHING =
      Set.of("observer", "observer_kwargs", "zp_dtype", "sparsity_config", "transform_config");

  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  /** A published model of 16 bits does not grow by what is read in F32. */
  @ParameterizedTest
  @CsvSource({"0.5, F16", "3e38, BF16", "0.1, F32"})
  void vectorsAreAsNarrowAsTheirNumbers(float number, Plain expected) {
    float value = Layouts.round(number, expected);
    Linear layer = linear("a", new Affine(8, 0, true), Input.FLOAT);
    Tensor bias = Tensor.copyOf(arena, new float[] {1, value}, 2);
    Linear biased = new Linear(layer.weight(), new Weight("a.bias", bias), layer.input());
    Tensor stored =
        CompressedTensors.encode(model(Plain.F32, biased), arena).tensors().get("a.bias");
    assertThat(stored.dtype()).isEqualTo(expected);
    assertThat(Layouts.decode(stored, arena).toArray()).containsExactly(1, value);
  }

  @Test
  void namesClassesWhereTheySayItAll() {
    Affine int8 = new Affine(8, 0, true);
    JsonNode config =
        config(
            model(
                int8,
                linear("a", int8, Input.FLOAT),
                linear("b", int8, Input.FLOAT),
                linear("head", Plain.F32, Input.FLOAT)));
    assertThat(texts(config.at("/config_groups/group_0/targets")))
        .containsExactly("Embedding", "Linear");
    assertThat(texts(config.get("ignore"))).containsExactly("head");
    assertThat(config.get("config_groups")).hasSize(1);
    assertThat(config.get("format").asText()).isEqualTo("pack-quantized");
  }

  @Test
  void namesLayersWhereSchemesDiffer() {
    Affine int8 = new Affine(8, 0, true);
    JsonNode config =
        config(
            model(
                Plain.F32,
                linear("a", int8, Input.DYNAMIC_INT8_SYMMETRIC),
                linear("b", new Affine(4, 32, false), Input.FLOAT),
                linear("c", int8, Input.DYNAMIC_INT8_SYMMETRIC)));
    assertThat(texts(config.at("/config_groups/group_0/targets"))).containsExactly("a", "c");
    assertThat(texts(config.at("/config_groups/group_1/targets"))).containsExactly("b");
    assertThat(config.at("/config_groups/group_0/format").asText()).isEqualTo("int-quantized");
    assertThat(config.get("format").asText()).isEqualTo("mixed-precision");
    // No embedding is quantized, so none needs to be named.
    assertThat(config.get("ignore")).isEmpty();
  }

  @Test
  void namesLayersWhoseNamesMislead() {
    JsonNode config =
        config(
            model(Plain.F32, linear("embedding_projection", new Affine(8, 0, true), Input.FLOAT)));
    assertThat(texts(config.at("/config_groups/group_0/targets")))
        .containsExactly("embedding_projection");
  }

  @Test
  void saysNothingOfPlainModels() {
    Encoded encoded =
        CompressedTensors.encode(model(Plain.F16, linear("a", Plain.BF16, Input.FLOAT)), arena);
    assertThat(encoded.quantizationConfig()).isEmpty();
    assertThat(encoded.tensors()).containsOnlyKeys("word_embeddings.weight", "a.weight");
  }

  @ParameterizedTest
  @Tag("shared")
  @ValueSource(
      strings = {
        "original",
        "w4-g128-symmetric",
        "w4-g32-asymmetric",
        "w4-g64-symmetric",
        "w8-a8-token",
        "w8-channel-symmetric",
        "w8-g128-symmetric"
      })
  void writesWhatLlmCompressorWrote(String scheme, @TempDir Path written) throws IOException {
    Path folder =
        Path.of(System.getProperty("hone.shared"), "goldens/compressed-tensors/bert", scheme);
    Config config = Config.read(folder.resolve("config.json"));
    Checkpoint checkpoint = Formats.open(folder, arena);
    Transformer model = Architectures.of(config).read(config, new Layers(checkpoint, arena));
    Encoded encoded = CompressedTensors.encode(model, arena);

    Path file = written.resolve("model.safetensors");
    SafetensorsWriter.write(file, encoded.tensors(), java.util.Map.of("format", "pt"));
    Safetensors ours = Safetensors.open(file, arena);
    Safetensors theirs = Safetensors.open(folder.resolve("model.safetensors"), arena);
    assertThat(ours.names()).containsExactlyElementsOf(theirs.names());
    for (String name : theirs.names()) {
      assertThat(ours.tensor(name)).as(name).hasToString(theirs.tensor(name).toString());
      assertThat(ours.tensor(name).data().mismatch(theirs.tensor(name).data()))
          .as(name)
          .isEqualTo(-1);
    }
    assertThat(encoded.quantizationConfig().map(EncoderTest::meaning))
        .isEqualTo(config.object("quantization_config").map(c -> meaning(c.json())));
  }

  @ParameterizedTest
  @Tag("shared")
  @ValueSource(
      strings = {
        "w4-g128-symmetric",
        "w4-g32-asymmetric",
        "w4-g64-symmetric",
        "w8-a8-token",
        "w8-channel-symmetric",
        "w8-g128-symmetric"
      })
  void isNearTheOriginal(String scheme) {
    for (String family : List.of("bert", "llama")) {
      Path folder =
          Path.of(System.getProperty("hone.shared"), "goldens/compressed-tensors", family);
      Checkpoint original = Formats.open(folder.resolve("original"), arena);
      Checkpoint quantized = Formats.open(folder.resolve(scheme), arena);
      assertThat(quantized.names()).isEqualTo(new java.util.TreeSet<>(original.names()));
      int layers = 0;
      for (String name : quantized.names()) {
        Tensor weight = quantized.tensor(name);
        Tensor exact = original.tensor(name);
        assertThat(weight.shape()).as(name).isEqualTo(exact.shape());
        if (weight.dtype() instanceof Affine affine) {
          layers++;
          // Values of about 0.08 and up to 0.35: half a step, or a whole one where a range is cut.
          float step = affine.bits() == 4 ? 0.06f : 0.004f;
          assertThat(largestDifference(Layouts.decode(weight, arena), exact))
              .as(name)
              .isBetween(step / 100, step);
          assertThat(quantized.input(name.replace(".weight", "")))
              .isEqualTo(scheme.equals("w8-a8-token") ? Input.DYNAMIC_INT8_SYMMETRIC : Input.FLOAT);
        }
      }
      assertThat(layers).isEqualTo(family.equals("bert") ? 12 : 14);
    }
  }

  private static float largestDifference(Tensor left, Tensor right) {
    float[] a = left.toArray();
    float[] b = right.toArray();
    float largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }

  /** A model of one linear layer, in the layout. */
  static Encoded encode(String layer, Tensor weight, Input input, Arena arena) {
    Tensor words = Tensor.allocate(arena, Plain.F32, 2, weight.cols());
    return CompressedTensors.encode(
        model(words, List.of(new Linear(new Weight(layer + ".weight", weight), null, input))),
        arena);
  }

  private Transformer model(DType words, Linear... layers) {
    return model(tensor(words), List.of(layers));
  }

  private static Transformer model(Tensor words, List<Linear> layers) {
    List<Head.Dense> dense =
        layers.stream().map(layer -> new Head.Dense(layer, Activation.NONE)).toList();
    Embedding table = new Embedding(new Weight("word_embeddings.weight", words));
    return new Transformer(
        new Embeddings(table, Optional.empty(), 0, Optional.empty(), Optional.empty()),
        List.of(),
        new Head.SentenceEmbedding(List.of(), dense, false, 0));
  }

  private Linear linear(String name, DType dtype, Input input) {
    return new Linear(new Weight(name + ".weight", tensor(dtype)), null, input);
  }

  private Tensor tensor(DType dtype) {
    return Layouts.encode(Tensor.allocate(arena, Plain.F32, 4, 64), dtype, arena);
  }

  private JsonNode config(Transformer model) {
    return CompressedTensors.encode(model, arena).quantizationConfig().orElseThrow();
  }

  private static List<String> texts(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList();
  }

  /** The config without what says nothing. */
  private static ObjectNode meaning(ObjectNode config) {
    ObjectNode copy = config.deepCopy();
    copy.properties().removeIf(f -> f.getValue().isNull() || SAYS_NOTHING.contains(f.getKey()));
    copy.properties()
        .forEach(
            f ->
                copy.set(
                    f.getKey(), f.getValue() instanceof ObjectNode o ? meaning(o) : f.getValue()));
    return copy;
  }
}
