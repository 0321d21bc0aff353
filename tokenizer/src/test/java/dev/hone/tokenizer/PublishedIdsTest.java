package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Ids and words that other programs give for the same files. */
@Tag("shared")
class PublishedIdsTest {

  private static final Path LLAMA_CPP = Shared.path("assets/tokenizers/tokenizer-golden-llamacpp");

  @Test
  void vocabTxtGivesTheIdsOfLlamaCpp() throws IOException {
    String all = Files.readString(LLAMA_CPP.resolve("ggml-vocab-bert-bge.gguf.inp"));
    String[] texts = all.split("\n__ggml_vocab_test__\n"); // the last one ends in it too
    List<String> ids = Files.readAllLines(LLAMA_CPP.resolve("ggml-vocab-bert-bge.gguf.out"));
    assertThat(ids).hasSize(texts.length).hasSizeGreaterThan(40);
    try (Tokenizer tokenizer =
        Tokenizer.load(Shared.path("assets/tokenizers/bert-base-uncased-vocab"))) {
      for (int k = 0; k < texts.length; k++) {
        int[] expected =
            Arrays.stream(ids.get(k).strip().split("\\s+"))
                .filter(id -> !id.isEmpty())
                .mapToInt(Integer::parseInt)
                .toArray();
        int[] found = tokenizer.encode(texts[k], Tokenizer.UNLIMITED).ids();
        assertThat(Arrays.copyOfRange(found, 1, found.length - 1))
            .as("text %d: %s", k, texts[k])
            .isEqualTo(expected);
      }
    }
  }

  /** Without aggregation a token's word is the token, and start and end are its offsets. */
  @Test
  void tokensAndOffsetsAreThoseOfTransformers() throws IOException {
    Path folder = Shared.path("goldens/pipelines/tokens");
    ObjectMapper mapper = new ObjectMapper();
    List<String> texts =
        mapper
            .readTree(folder.resolveSibling("texts.json").toFile())
            .get("texts")
            .valueStream()
            .map(JsonNode::textValue)
            .filter(text -> text.codePointCount(0, text.length()) < 90)
            .toList();
    JsonNode answers =
        mapper.readTree(folder.resolve("expected.json").toFile()).at("/answers/none");
    assertThat(answers).hasSize(texts.size());
    int compared = 0;
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertThat(tokenizer.modelMaxTokens()).hasValue(64);
      for (int k = 0; k < texts.size(); k++) {
        Encoding encoding = tokenizer.encode(texts.get(k), 64);
        for (JsonNode answer : answers.get(k)) {
          int token = answer.get("index").intValue();
          assertThat(tokenizer.idToToken(encoding.id(token)))
              .isEqualTo(answer.get("word").textValue());
          assertThat(encoding.start(token)).isEqualTo(answer.get("start").intValue());
          assertThat(encoding.end(token)).isEqualTo(answer.get("end").intValue());
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThan(50);
  }

  @Test
  void byteLevelAndSentencePieceTokenizersEncodeAndDecode() throws IOException {
    String text = "Once upon a time, there was a tiny \u5317\u4eac \ud83d\ude00 dragon.";
    for (String folder : List.of("assets/models/tinystories-656k-llama", "goldens/gguf")) {
      try (Tokenizer tokenizer = Tokenizer.load(Shared.path(folder))) {
        Encoding encoding = tokenizer.encode(text, Tokenizer.UNLIMITED);
        assertThat(encoding.size()).as(folder).isGreaterThan(10);
        for (int k = 0; k < encoding.size(); k++) {
          assertThat(encoding.end(k)).isBetween(encoding.start(k), text.length());
        }
        assertThat(encoding.end(encoding.size() - 1)).isEqualTo(text.length());
        assertThat(tokenizer.decode(encoding.ids(), true)).contains("tiny");
      }
    }
  }
}
