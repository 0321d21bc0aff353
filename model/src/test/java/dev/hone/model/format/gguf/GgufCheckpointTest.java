package dev.hone.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Checkpoint;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.Formats;
import dev.hone.model.format.gguf.MetadataValue.Text;
import dev.hone.model.format.gguf.MetadataValue.Whole;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufCheckpointTest {
  /** Fields that say how a model is trained or written, and those that are another spelling. */
  private static final Set<String> OTHERWISE =
      Set.of("rope_parameters", "dtype", "tie_word_embeddings", "eos_token_id", "bos_token_id");

  @TempDir private Path folder;
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  /** What llama.cpp's converter made of a folder is read as the folder. */
  @Tag("shared")
  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3-rope", "qwen2", "mixtral", "gpt2", "gpt-neox"})
  void readsTheFolderThatLlamaCppsConverterRead(String name) {
    Checkpoint read = Formats.open(goldens().resolve("gguf/" + name + ".gguf"), arena);
    assertSame(read, goldens().resolve(name));
  }

  @Tag("shared")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama",
        "llama3-rope",
        "llama-yarn",
        "llama-linear",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma2",
        "gemma3",
        "phi3",
        "olmo2",
        "mixtral",
        "qwen3-moe",
        "gpt2",
        "gpt-neox"
      })
  void readsTheFolderThatItWrote(String name) throws IOException {
    Path original = goldens().resolve(name);
    Checkpoint checkpoint = Formats.open(original, arena);
    Path file = folder.resolve("model.gguf");
    GgufModelWriter.write(file, Config.read(original.resolve("config.json")), checkpoint, Map.of());
    Checkpoint read = Formats.open(file, arena);
    assertSame(read, original);
    // Once more: what was read is written the same.
    Path again = folder.resolve("again.gguf");
    GgufModelWriter.write(again, read.config().orElseThrow(), read, Map.of());
    assertSame(Formats.open(again, arena), original);
  }

  private void assertSame(Checkpoint read, Path original) {
    Checkpoint expected = Formats.open(original, arena);
    var names = new TreeSet<>(read.names());
    if (!expected.names().contains("lm_head.weight")) {
      names.remove("lm_head.weight"); // the converter writes GPT-2's twice
    }
    assertThat(names).isEqualTo(new TreeSet<>(expected.names()));
    for (String name : names) {
      Tensor stored = read.tensor(name);
      Tensor tensor = read.outputsFirst(name) ? stored.transposed(arena) : stored;
      assertThat(tensor.shape()).as(name).isEqualTo(expected.tensor(name).shape());
      float[] values = Layouts.decode(tensor, arena).toArray();
      float[] wanted = Layouts.decode(expected.tensor(name), arena).toArray();
      for (int i = 0; i < values.length; i++) {
        // Gemma's norms had one added and taken away again.
        float rounding = name.contains("norm") ? 1e-7f : 0;
        assertThat(values[i]).as("%s[%d]", name, i).isCloseTo(wanted[i], within(rounding));
      }
    }
    assertSameConfig(
        read.config().orElseThrow().json(), Config.read(original.resolve("config.json")).json());
  }

  /** Every field that both have, as far as it says what is computed. */
  private static void assertSameConfig(JsonNode read, JsonNode expected) {
    int compared = 0;
    for (var field : read.properties()) {
      JsonNode want = expected.get(field.getKey());
      if (want == null || want.isNull() || OTHERWISE.contains(field.getKey())) {
        continue;
      }
      if (want.isNumber()) {
        assertThat((float) field.getValue().asDouble())
            .as(field.getKey())
            .isEqualTo((float) want.asDouble());
      } else {
        assertThat(field.getValue()).as(field.getKey()).isEqualTo(want);
      }
      compared++;
    }
    assertThat(compared).isGreaterThan(6);
    JsonNode rope = expected.path("rope_parameters");
    JsonNode mine = read.path("rope_parameters");
    for (String part : new String[] {"full_attention", "sliding_attention"}) {
      if (rope.has(part)) {
        assertThat(mine.path(part).path("rope_theta").asDouble())
            .isEqualTo(rope.path(part).path("rope_theta").asDouble());
      }
    }
    if (rope.has("rope_theta")) {
      assertThat(mine.path("rope_theta").asDouble()).isEqualTo(rope.path("rope_theta").asDouble());
      assertThat(mine.path("factor"))
          .isEqualTo(
              rope.path("rope_type").asText().equals("llama3")
                  ? mine.path("factor")
                  : rope.path("factor"));
      assertThat(mine.path("partial_rotary_factor").asDouble())
          .isEqualTo(rope.path("partial_rotary_factor").asDouble(1));
    }
  }

  /** Llama 3's scaling as llama.cpp's converter worked it out. */
  @Tag("shared")
  @Test
  void worksOutLlama3sFactorsAsTheConverterDoes() throws IOException {
    Path original = goldens().resolve("llama3-rope");
    Path file = folder.resolve("model.gguf");
    GgufModelWriter.write(
        file,
        Config.read(original.resolve("config.json")),
        Formats.open(original, arena),
        Map.of());
    float[] mine = Gguf.open(file, arena).tensor("rope_freqs.weight").toArray();
    float[] theirs =
        Gguf.open(goldens().resolve("gguf/llama3-rope.gguf"), arena)
            .tensor("rope_freqs.weight")
            .toArray();
    assertThat(mine).hasSameSizeAs(theirs);
    for (int i = 0; i < mine.length; i++) {
      assertThat(mine[i]).isCloseTo(theirs[i], within(1e-6f * theirs[i]));
    }
  }

  /** Rows of quantized matrices move whole: the same blocks come back. */
  @Test
  void keepsQuantizedRowsAsTheyAre() throws IOException {
    Map<String, Tensor> tensors = TinyLlama.tensors(arena);
    tensors.replaceAll(
        (_, tensor) -> tensor.rank() == 2 ? Layouts.encode(tensor, Block.Q8_0, arena) : tensor);
    Path file = folder.resolve("model.gguf");
    GgufModelWriter.write(
        file,
        TinyLlama.config(TinyLlama.CONFIG),
        new InMemory(tensors),
        Map.of("general.name", Text.of("tiny")));
    GgufCheckpoint read = GgufCheckpoint.open(file, arena);
    assertThat(read.gguf().metadata().text("general.name")).isEqualTo("tiny");
    assertThat(read.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
    tensors.forEach(
        (name, tensor) -> {
          assertThat(read.tensor(name)).hasToString(tensor.toString());
          assertThat(read.tensor(name).data().mismatch(tensor.data())).as(name).isEqualTo(-1);
        });
    String query = "model.layers.0.self_attn.q_proj.weight";
    assertThat(read.gguf().tensor("blk.0.attn_q.weight").data().mismatch(tensors.get(query).data()))
        .as("rows of queries stand in pairs in the file")
        .isNotEqualTo(-1);
    assertThat(read.tensor(query)).isSameAs(read.tensor(query));
    assertThat(read.tensor("model.embed_tokens.weight").data().isMapped()).isTrue();
    assertThat(read.config().orElseThrow().flag("tie_word_embeddings", false)).isTrue();
  }

  @Test
  void namesWhatGgufHasNoPlaceFor() {
    Map<String, Tensor> tensors = TinyLlama.tensors(arena);
    tensors.put("model.vision.weight", Tensor.allocate(arena, Plain.F32, 2, 2));
    assertThatThrownBy(
            () ->
                GgufModelWriter.write(
                    folder.resolve("a"),
                    TinyLlama.config(TinyLlama.CONFIG),
                    new InMemory(tensors),
                    Map.of()))
        .isInstanceOf(FormatException.class)
        .hasMessage("tensor=model.vision.weight: llama.cpp has no name for it in llama");
    assertThatThrownBy(
            () ->
                GgufModelWriter.write(
                    folder.resolve("a"),
                    TinyLlama.config(TinyLlama.CONFIG.replace("\"llama\"", "\"mamba\"")),
                    new InMemory(TinyLlama.tensors(arena)),
                    Map.of()))
        .hasMessageContaining("model_type=mamba is not written as GGUF");
    assertThatThrownBy(
            () ->
                GgufModelWriter.write(
                    folder.resolve("a"),
                    TinyLlama.config(
                        TinyLlama.CONFIG.replace(
                            "\"rope_theta\": 1e4",
                            "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}")),
                    new InMemory(TinyLlama.tensors(arena)),
                    Map.of()))
        .hasMessageContaining("rope_type must be default, linear, llama3, yarn or longrope");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void refusesAFileOfAnUnknownArchitectureOrWithoutTensors() throws IOException {
    Path file = folder.resolve("a.gguf");
    SampleGguf.write(
        file, Map.of("general.architecture", Text.of("rwkv")), SampleGguf.tensors(arena));
    assertThatThrownBy(() -> Formats.open(file, arena))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file + ": key=general.architecture must be one of [llama, qwen2,")
        .hasMessageEndingWith("not rwkv");
    SampleGguf.write(file, Map.of("general.architecture", Text.of("llama")), Map.of());
    assertThatThrownBy(() -> Formats.open(file, arena))
        .hasMessage(file + " has no tensors: it holds a vocabulary only");
    SampleGguf.write(
        file,
        Map.of(
            "general.architecture",
            Text.of("llama"),
            "llama.attention.head_count",
            new Whole(MetadataKind.UINT32, 0)),
        SampleGguf.tensors(arena));
    assertThatThrownBy(() -> Formats.open(file, arena))
        .hasMessageContaining("llama.attention.head_count must be a whole number from 1 to");
  }

  private static Path goldens() {
    return Path.of(System.getProperty("hone.shared"), "goldens");
  }
}
