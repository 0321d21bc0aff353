package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.model.Batch;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import dev.hone.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What reference implementations answer, alone and packed together, by every tier of kernels. */
@Tag("shared")
class GoldenTest {
  private static final double TOLERANCE = 1e-4;
  private static final Path SHARED = Path.of(System.getProperty("hone.shared"));
  private static final Path GOLDENS = SHARED.resolve("goldens");

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert",
        "distilbert",
        "gemma2",
        "gemma3",
        "gpt-neox",
        "gpt2",
        "llama",
        "llama-linear",
        "llama-yarn",
        "llama3-rope",
        "mistral",
        "mixtral",
        "modernbert",
        "mpnet",
        "olmo2",
        "phi3",
        "qwen2",
        "qwen3",
        "qwen3-moe",
        "roberta",
        "xlm-roberta"
      })
  void safetensors(String architecture) {
    Path golden = GOLDENS.resolve(architecture);
    agrees(golden, golden.resolve("golden.safetensors"), 8);
  }

  @ParameterizedTest
  @CsvSource({
    "original, 1e-4",
    "w4-g128-symmetric, 1e-4",
    "w4-g32-asymmetric, 1e-4",
    "w4-g64-symmetric, 1e-4",
    "w8-channel-symmetric, 1e-4",
    "w8-g128-symmetric, 1e-4",
    "w8-a8-token, 0.25", // a last place decides which of its inputs are rounded up
  })
  void compressedLlama(String scheme, double tolerance) {
    Path quantized = GOLDENS.resolve("compressed-tensors/llama").resolve(scheme);
    agrees(quantized, quantized.resolve("golden.safetensors"), 1, tolerance);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "awq-w4-g32-asymmetric",
        "awq-w4-g64-symmetric",
        "gptq-w4-channel",
        "gptq-w4-g32-symmetric",
        "gptq-w4-g64-asymmetric",
        "gptq-w8-g32-symmetric"
      })
  void gptqAndAwq(String scheme) {
    Path quantized = GOLDENS.resolve("gptq-awq").resolve(scheme);
    agrees(quantized, quantized.resolve("golden.safetensors"), 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2",
        "gemma3",
        "gpt-neox",
        "gpt2",
        "llama",
        "llama-linear",
        "llama-yarn",
        "llama3-rope",
        "mistral",
        "mixtral",
        "olmo2",
        "phi3",
        "qwen2",
        "qwen3",
        "qwen3-moe"
      })
  void greedy(String architecture) {
    Path golden = GOLDENS.resolve(architecture);
    for (KernelTier tier : KernelTier.values()) {
      try (var pool = new ComputePool(2);
          Model model = Model.load(golden);
          Engine engine = new Engine(model.transformer(), tier.create(pool))) {
        List<Golden.Greedy> answers = Golden.greedy(engine, golden.resolve("golden.safetensors"));
        assertThat(answers).hasSize(4).allMatch(Golden.Greedy::agrees);
        assertThat(answers).extracting(Golden.Greedy::compared).anyMatch(c -> c == 24);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "distilbert", "roberta", "xlm-roberta"})
  void onnx(String architecture) throws IOException {
    Path golden = GOLDENS.resolve(architecture);
    Files.copy(golden.resolve("config.json"), folder.resolve("config.json"));
    for (String exporter : List.of("torchscript", "dynamo")) {
      String name = architecture + "-" + exporter + ".onnx";
      Path file = Files.copy(GOLDENS.resolve("onnx").resolve(name), folder.resolve(name));
      agrees(file, golden.resolve("golden.safetensors"), 8);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "original, 1e-4",
    "w4-g128-symmetric, 1e-4",
    "w4-g32-asymmetric, 1e-4",
    "w4-g64-symmetric, 1e-4",
    "w8-channel-symmetric, 1e-4",
    "w8-g128-symmetric, 1e-4",
    "w8-a8-token, 2e-2", // as above
  })
  void compressedTensors(String scheme, double tolerance) {
    Path quantized = GOLDENS.resolve("compressed-tensors/bert").resolve(scheme);
    agrees(quantized, quantized.resolve("golden.safetensors"), 1, tolerance);
  }

  @ParameterizedTest
  @EnumSource
  void tribuosOnnxWithItsOwnTokenizer(KernelTier tier) throws IOException {
    Path tribuo = SHARED.resolve("assets/models/tribuo-tinybert-onnx");
    Files.copy(tribuo.resolve("tinybert.onnx"), folder.resolve("model.onnx"));
    Files.copy(tribuo.resolve("tinybert-tokenizer.json"), folder.resolve("tokenizer.json"));
    JsonNode golden = new JsonMapper().readTree(tribuo.resolve("golden.json").toFile());
    JsonNode sizes = golden.get("config");
    Files.writeString(
        folder.resolve("config.json"),
        new JsonMapper()
            .createObjectNode()
            .put("model_type", "bert")
            .put("hidden_act", "gelu")
            .put("hidden_size", sizes.get("hidden").asInt())
            .put("num_attention_heads", sizes.get("heads").asInt())
            .put("num_hidden_layers", sizes.get("layers").asInt())
            .put("intermediate_size", sizes.get("intermediate").asInt())
            .put("max_position_embeddings", sizes.get("max_pos").asInt())
            .put("vocab_size", sizes.get("vocab").asInt())
            .toString());
    try (var pool = new ComputePool(2);
        Model model = Model.load(folder);
        Tokenizer tokenizer = Tokenizer.load(folder);
        Engine engine = new Engine(model.transformer(), tier.create(pool))) {
      int[] ids = tokenizer.encode(golden.get("input").asText(), 100).ids();
      float[][] hidden = engine.hidden(Batch.of(List.of(ids)));
      JsonNode rows = golden.get("last_hidden_state_rows");
      assertThat(hidden).hasDimensions(rows.size(), sizes.get("hidden").asInt());
      for (int token = 0; token < hidden.length; token++) {
        for (int i = 0; i < hidden[token].length; i++) {
          assertThat(Math.abs(hidden[token][i] - rows.get(token).get(i).asDouble()))
              .isLessThan(TOLERANCE);
        }
      }
    }
  }

  private static void agrees(Path source, Path golden, int answers) {
    agrees(source, golden, answers, TOLERANCE);
  }

  private static void agrees(Path source, Path golden, int answers, double tolerance) {
    for (KernelTier tier : KernelTier.values()) {
      try (var pool = new ComputePool(2);
          Model model = Model.load(source);
          Engine engine = new Engine(model.transformer(), tier.create(pool))) {
        for (boolean packed : new boolean[] {false, true}) {
          List<Golden.Difference> differences = Golden.compare(engine, golden, packed);
          assertThat(differences).hasSize(answers);
          assertThat(differences).allSatisfy(d -> assertThat(d.relative()).isLessThan(tolerance));
        }
      }
    }
  }
}
