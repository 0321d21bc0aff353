package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.model.Embedding;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataValue;
import dev.hone.runtime.Engine;
import dev.hone.runtime.SeededModels;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** llama.cpp loads what Hone writes, and goes on with prompts as Hone does. */
@Tag("llama.cpp")
class LlamaCppTest {
  private static final int PROMPTS = 96;

  /** All prompts together have more tokens than this before a near tie: those are compared. */
  private static final int COMPARED = 48;

  private static final int PROMPT_TOKENS = 5;

  /** With the prompt as many as the shortest sliding window. */
  private static final int ANSWER_TOKENS = 11;

  /** Logits that rounding may change, of their spread: keys and values are F16 in llama.cpp. */
  private static final double ROUNDING = 0.02;

  /** Of routed experts: a router's near tie becomes another expert. */
  private static final double ROUTED_ROUNDING = 0.04;

  @TempDir private Path folder;

  static List<String> families() {
    return SeededModels.FAMILIES;
  }

  @ParameterizedTest
  @MethodSource("families")
  void everyFamily(String family) throws Exception {
    boolean routed = family.equals("mixtral") || family.endsWith("-moe");
    check(family, Plain.F32, routed ? ROUTED_ROUNDING : ROUNDING);
  }

  @ParameterizedTest
  @CsvSource({
    "llama, f16, 0.01",
    "llama, bf16, 0.03",
    "llama, q8_0, 0.03",
    "llama, q4_0, 0.03",
    "llama, q4_1, 0.03",
    "llama, q5_0, 0.03",
    "llama, iq4_nl, 0.03",
    "gpt2, q8_0, 0.03",
    "qwen3, q5_1, 0.03"
  })
  void everyType(String family, String type, double rounding) throws Exception {
    check(family, DType.of(type), rounding);
  }

  private void check(String family, DType type, double rounding) throws Exception {
    Path file = folder.resolve("model.gguf");
    try (Model model =
            Model.load(
                SeededModels.folder(family, Files.createDirectory(folder.resolve("model"))));
        Arena arena = Arena.ofShared()) {
      Transformer encoded = encoded(model.transformer(), type, arena);
      GgufModelWriter.write(file, model.config(), encoded, vocabulary());
    }
    Random random = new Random(3);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      prompts.add(random.ints(PROMPT_TOKENS, 0, 256).toArray());
    }
    int[][] others = llamaCpp(file, prompts);
    try (Model model = Model.load(file);
        ComputePool pool = new ComputePool(2);
        Engine engine = new Engine(model.transformer(), KernelTier.VECTOR.create(pool))) {
      int[] certain = new int[PROMPTS];
      Arrays.fill(certain, ANSWER_TOKENS);
      int[] step = new int[PROMPTS];
      List<int[]> answers =
          new Generator(engine, 512, 64 << 20)
              .greedy(
                  prompts,
                  ANSWER_TOKENS,
                  (s, token, logits) -> {
                    if (margin(logits, token) < rounding) {
                      certain[s] = Math.min(certain[s], step[s]);
                    }
                    step[s]++;
                  });
      for (int s = 0; s < PROMPTS; s++) {
        assertThat(Arrays.copyOf(others[s], certain[s]))
            .as("prompt %d, of which rounding leaves %d tokens alone", s, certain[s])
            .isEqualTo(Arrays.copyOf(answers.get(s), certain[s]));
      }
      assertThat(Arrays.stream(certain).sum()).isGreaterThan(COMPARED);
    }
  }

  /** By how much the largest logit exceeds the second, of the distance of all. */
  private static double margin(float[] logits, int token) {
    float[] sorted = logits.clone();
    Arrays.sort(sorted);
    assertThat(logits[token]).isEqualTo(sorted[sorted.length - 1]);
    double distance = sorted[sorted.length - 1] - sorted[sorted.length - 2];
    return distance / (sorted[sorted.length - 1] - sorted[0]);
  }

  private static Transformer encoded(Transformer model, DType type, Arena arena) {
    return model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            return new Linear(encoded(layer.weight()), layer.bias());
          }

          @Override
          public Embedding embedding(Role role, Embedding table) {
            return role == Role.WORD_EMBEDDING
                ? table.with(encoded(table.weight()).tensor())
                : table;
          }

          private Weight encoded(Weight weight) {
            return weight.with(Layouts.encode(weight.tensor(), type, arena));
          }
        });
  }

  /** A token a byte, spelled as byte-level BPE does. */
  private static Map<String, MetadataValue> vocabulary() {
    List<String> tokens = new ArrayList<>();
    for (int b = 0, other = 256; b < 256; b++) {
      boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
      tokens.add(Character.toString(printable ? b : other++));
    }
    return Map.of(
        "tokenizer.ggml.model",
        GgufWriter.text("gpt2"),
        "tokenizer.ggml.pre",
        GgufWriter.text("gpt-2"),
        "tokenizer.ggml.tokens",
        GgufWriter.texts(tokens),
        "tokenizer.ggml.merges",
        GgufWriter.texts(List.of()));
  }

  private int[][] llamaCpp(Path model, List<int[]> prompts)
      throws IOException, InterruptedException {
    JsonMapper json = new JsonMapper();
    File asked = folder.resolve("prompts.json").toFile();
    json.writeValue(asked, prompts);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("hone.root"), "bench/llama.cpp/run").toString(),
                "greedy",
                model.toString(),
                String.valueOf(ANSWER_TOKENS))
            .redirectInput(asked)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    int[][] answers = json.readValue(process.getInputStream().readAllBytes(), int[][].class);
    assertThat(process.waitFor()).isZero();
    return answers;
  }
}
