package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.tensor.layout.Layouts;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The published all-MiniLM-L6-v2 makes the vectors that sentence-transformers 6.2.0 makes of it
 * (make_minilm.py), for texts run alone and packed. The test resources hold 20 of its 200 texts.
 */
class MiniLmParityTest {
  private static final int DIM = 384;
  private static final float LEAST_COSINE = 0.99999f;

  @Test
  void twentyTexts() throws IOException {
    List<String> texts = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    for (String line : resource("minilm.jsonl").lines().toList()) {
      JsonNode json = new ObjectMapper().readTree(line);
      texts.add(json.get("text").textValue());
      float[] vector = new float[DIM];
      for (int i = 0; i < DIM; i++) {
        vector[i] = json.get("embedding").get(i).floatValue();
      }
      expected.add(vector);
    }
    assertThat(texts).hasSize(20);
    check(texts, expected);
  }

  @Test
  @Tag("shared")
  void twoHundredTexts() throws IOException {
    Path golden = Path.of(System.getProperty("hone.shared"), "goldens", "minilm");
    List<String> texts = new ArrayList<>();
    for (String line : Files.readAllLines(golden.resolve("texts.jsonl"))) {
      texts.add(new ObjectMapper().readTree(line).get("text").textValue());
    }
    assertThat(texts).hasSize(200);
    try (Arena arena = Arena.ofShared()) {
      Safetensors file = Safetensors.open(golden.resolve("golden.safetensors"), arena);
      float[] all = Layouts.decode(file.tensor("embeddings"), arena).toArray();
      List<float[]> expected = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        expected.add(Arrays.copyOfRange(all, i * DIM, (i + 1) * DIM));
      }
      check(texts, expected);
    }
  }

  private static void check(List<String> texts, List<float[]> expected) {
    try (Encoder encoder = Encoder.load("minilm", EncoderOptions.defaults().onCut(cut -> {}))) {
      List<float[]> together = encoder.embed(texts);
      for (int i = 0; i < texts.size(); i++) {
        float[] alone = encoder.embed(texts.get(i));
        for (float[] vector : List.of(alone, together.get(i))) {
          assertThat(Similarity.cosine(vector, expected.get(i)))
              .as("text %d: %s", i, texts.get(i))
              .isGreaterThanOrEqualTo(LEAST_COSINE);
        }
      }
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = MiniLmParityTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
