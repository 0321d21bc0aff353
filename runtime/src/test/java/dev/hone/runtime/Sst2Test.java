package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tokenizer.Encoding;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A published classifier gives transformers' logits for the 872 sentences of SST-2's test set. */
@Tag("shared")
class Sst2Test {
  private static final Path SHARED = Path.of(System.getProperty("hone.shared", ""));
  private static final int MAX_TOKENS = 128;
  private static final float TOLERANCE = 1e-4f;

  @Test
  void logitsAreTheReference() throws IOException {
    List<String> sentences =
        Files.readAllLines(SHARED.resolve("assets/text/sst2/test.tsv")).stream()
            .skip(1)
            .map(line -> line.substring(0, line.indexOf('\t')))
            .toList();
    assertThat(sentences).hasSize(872);
    Path model = SHARED.resolve("assets/models/minilm-sst2");
    try (Arena arena = Arena.ofShared();
        Encoder encoder = Encoder.load(model, EncoderOptions.defaults().maxTokens(MAX_TOKENS))) {
      Path golden = SHARED.resolve("goldens/minilm-sst2/golden.safetensors");
      Safetensors file = Safetensors.open(golden, arena);
      float[] expected = Layouts.decode(file.tensor("logits"), arena).toArray();
      List<Encoding> encodings = encoder.tokenizer().encodeAll(sentences, encoder.maxTokens());
      assertThat(logits(encoder, encodings, 1)).containsExactly(expected, within(TOLERANCE));
      assertThat(logits(encoder, encodings, 1024)).containsExactly(expected, within(TOLERANCE));
    }
  }

  private static float[] logits(Encoder encoder, List<Encoding> encodings, int budget) {
    List<float[]> rows = new ArrayList<>();
    for (List<Encoding> group : Packing.groups(encodings, budget)) {
      rows.addAll(List.of(encoder.engine().run(Packing.batch(group))));
    }
    float[] all = new float[rows.size() * 2];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, all, i * 2, 2);
    }
    return all;
  }
}
