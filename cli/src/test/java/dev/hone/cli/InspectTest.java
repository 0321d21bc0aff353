package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.MetadataValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a model is told to be made of, and whether it answers as it should. */
class InspectTest extends Commands {
  @Test
  void inspect() {
    JsonNode described = json("inspect|{embedder}|--batch|2|--length|64|--weights");
    assertThat(keys(described))
        .containsExactly(
            "model",
            "blocks",
            "hidden",
            "maxTokens",
            "fileBytes",
            "bytesByType",
            "unused",
            "cost",
            "weights");
    assertThat(described.get("blocks").asInt()).isEqualTo(2);
    assertThat(described.get("maxTokens").asInt()).isEqualTo(64);
    assertThat(keys(described.get("weights").get(0)))
        .containsExactly("name", "type", "shape", "bytes");
  }

  /** Three tokens and no weights: what such a file says is printed, and why it does not run. */
  @Test
  void inspectMemory() {
    JsonNode memory = json("inspect|{decoder}|--memory|--kernels|vector").get("memory");
    assertThat(keys(memory))
        .containsExactly(
            "kernels",
            "fileBytes",
            "convertedBytes",
            "packedBytes",
            "residentBytes",
            "sparseProducts");
    assertThat(memory.get("kernels").asText()).isEqualTo("vector");
    assertThat(memory.get("packedBytes").asLong()).isPositive();
  }

  @Test
  void inspectAGgufFile() throws IOException {
    Path file = folder.resolve("vocabulary.gguf");
    Map<String, MetadataValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufWriter.text("llama"));
    metadata.put("tokenizer.ggml.model", GgufWriter.text("gpt2"));
    metadata.put("tokenizer.ggml.pre", GgufWriter.text("gpt-2"));
    metadata.put("tokenizer.ggml.tokens", GgufWriter.texts(List.of("a", "b", "ab")));
    metadata.put("tokenizer.ggml.merges", GgufWriter.texts(List.of("a b")));
    GgufWriter.write(file, metadata, Map.of());
    PATHS.put("gguf", file.toString());
    Answer answer = hone("inspect|{gguf}");
    assertThat(answer.code()).isZero();
    assertThat(answer.out())
        .contains("GGUF, 0 tensors")
        .containsPattern("tokenizer.ggml.tokens +ARRAY +STRING\\[3]");
    assertThat(answer.err()).contains("Hone cannot run it: ").contains("a vocabulary only");
    JsonNode json = json("inspect|{gguf}");
    assertThat(json.path("gguf").path("metadata").path("general.architecture").asText())
        .isEqualTo("llama");
    assertThat(json.path("cannotRun").asText()).contains("a vocabulary only");

    Path texts = folder.resolve("vocabulary.gguf.inp");
    Files.writeString(texts, "ab\n__ggml_vocab_test__\nba\n__ggml_vocab_test__\n");
    Files.writeString(folder.resolve("vocabulary.gguf.out"), " 2\n 1 0\n");
    PATHS.put("texts-and-ids", texts.toString());
    assertThat(hone("inspect|{gguf}|--golden|{texts-and-ids}").out())
        .isEqualToIgnoringNewLines("2 of 2 texts agree");
    Files.writeString(folder.resolve("vocabulary.gguf.out"), " 0 1\n 1 0\n");
    Answer differs = hone("inspect|{gguf}|--golden|{texts-and-ids}");
    assertThat(differs.code()).isEqualTo(1);
    assertThat(differs.out()).contains("case 0: \"ab\"").contains("1 of 2 texts agree");
  }

  @Test
  void inspectAChatTemplate() throws IOException {
    Path chat = Files.createDirectory(folder.resolve("chat"));
    Files.writeString(
        chat.resolve("conversations.json"),
        "{\"conversations\": {\"one\": [{\"role\": \"user\", \"content\": \"Hi\"}]}, \"tools\": [],"
            + " \"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"now\":"
            + " \"2026-11-22T10:00:00\"}");
    String template =
        "{\"template\": \"{% if not add_generation_prompt %}{{ raise_exception('no') }}{% endif"
            + " %}{{ bos_token }}{{ messages[0].content | lower }}\", \"cases\":"
            + " [{\"conversation\": \"one\", \"add_generation_prompt\": true, \"tools\": false,"
            + " \"expected\": \"%s\"},{\"conversation\": \"one\", \"add_generation_prompt\": false,"
            + " \"tools\": false, \"error\": \"no\"}]}";
    PATHS.put(
        "chat",
        Files.writeString(chat.resolve("a.json"), template.replace("%s", "<s>hi")).toString());
    JsonNode agrees = json("inspect|--golden|{chat}");
    assertThat(keys(agrees)).containsExactly("agrees", "cases", "different");
    assertThat(agrees.get("agrees").asBoolean()).isTrue();
    assertThat(hone("inspect|--golden|{chat}").out()).contains("2 of 2 cases agree");
    Files.writeString(chat.resolve("a.json"), template.replace("%s", "<s>ho"));
    Answer differs = hone("inspect|--golden|{chat}");
    assertThat(differs.code()).isEqualTo(1);
    assertThat(differs.out()).contains("case 0, one", "wanted <s>ho", "1 of 2 cases agree");
    assertThat(hone("inspect|{embedder}|--golden|{chat}").err()).contains("has no chat template");
    assertThat(hone("inspect").err()).contains("give a MODEL");
  }

  @Test
  void inspectWithAGolden() {
    JsonNode compared = json("inspect|{embedder}|--golden|{golden}");
    assertThat(keys(compared))
        .containsExactly("agrees", "greedyAgrees", "tolerance", "differences", "greedy");
    assertThat(compared.get("agrees").asBoolean()).isTrue();
    assertThat(compared.get("greedyAgrees").isNull()).isTrue();
    assertThat(compared.get("differences")).hasSize(1);
    assertThat(compared.get("differences").get(0).get("what").asText()).isEqualTo("hidden");
  }

  @Test
  void inspectWithAGoldenThatDiffersIsCodeOne() {
    Answer answer = hone("inspect|{embedder}|--golden|{shifted}|--json");
    assertThat(answer.code()).isEqualTo(1);
    assertThat(answer.err()).isEmpty();
    assertThat(answer.json().get("agrees").asBoolean()).isFalse();
    assertThat(answer.json().get("differences").get(0).get("largest").asDouble())
        .isCloseTo(0.1, within(1e-4));
    assertThat(hone("inspect|{embedder}|--golden|{shifted}|--tolerance|0.5").code()).isZero();
  }
}
