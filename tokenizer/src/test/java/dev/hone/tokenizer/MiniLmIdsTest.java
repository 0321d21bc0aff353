package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Token ids of 200 texts are those of transformers (make_minilm.py, cut at 256 tokens). */
@Tag("shared")
class MiniLmIdsTest {

  @Test
  void tokenizerJsonGivesTheIdsOfTransformers() throws IOException {
    checkIds(Shared.path("assets/models/minilm-sst2"));
  }

  @Test
  void vocabTxtAloneGivesTheSameIds() throws IOException {
    checkIds(Shared.path("assets/tokenizers/bert-base-uncased-vocab"));
  }

  private static void checkIds(Path folder) throws IOException {
    List<String> texts = new ArrayList<>();
    for (String line : Files.readAllLines(Shared.path("goldens/minilm/texts.jsonl"))) {
      texts.add(new ObjectMapper().readTree(line).get("text").textValue());
    }
    assertThat(texts).hasSize(200);
    SafetensorsIds golden = new SafetensorsIds(Shared.path("goldens/minilm/golden.safetensors"));
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      List<Encoding> encodings = tokenizer.encodeAll(texts, 256);
      for (int k = 0; k < texts.size(); k++) {
        assertThat(encodings.get(k).ids())
            .as("text %d: %s", k, texts.get(k))
            .isEqualTo(golden.ids("ids." + k));
      }
    }
  }
}
