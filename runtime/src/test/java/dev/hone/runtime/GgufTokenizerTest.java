package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.format.gguf.Gguf;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers inside of GGUF files against llama.cpp's own cases and transformers. */
@Tag("shared")
class GgufTokenizerTest {
  private static final String BETWEEN = "\n__ggml_vocab_test__\n";

  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  /** Texts between lines of {@code __ggml_vocab_test__}, and a line of ids each. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "tokenizer-golden-llamacpp/ggml-vocab-gpt-2.gguf",
        "tokenizer-golden-llamacpp/ggml-vocab-llama-bpe.gguf",
        "tokenizer-golden-llamacpp/ggml-vocab-qwen2.gguf",
        "tokenizer-golden-llamacpp/ggml-vocab-llama-spm.gguf",
        "tokenizer-golden-llamacpp/ggml-vocab-phi-3.gguf",
        "bert-base-uncased-vocab/ggml-vocab-bert-bge.gguf"
      })
  void llamaCppsOwnCases(String file) throws IOException {
    Path tokenizers = shared().resolve("assets/tokenizers");
    Path vocabulary = tokenizers.resolve(file);
    Path cases = tokenizers.resolve("tokenizer-golden-llamacpp").resolve(vocabulary.getFileName());
    String[] texts = Files.readString(Path.of(cases + ".inp")).split(BETWEEN, -1);
    List<String> expected = Files.readAllLines(Path.of(cases + ".out"));
    int compared = 0;
    try (Tokenizer tokenizer = ModelTokenizer.of(Gguf.open(vocabulary, arena).metadata())) {
      for (int i = 0; i < expected.size(); i++) {
        int[] ids =
            Arrays.stream(expected.get(i).trim().split("\\s+"))
                .filter(id -> !id.isEmpty())
                .mapToInt(Integer::parseInt)
                .toArray();
        assertThat(tokenizer.encodeAlone(texts[i]))
            .as("case %d: \"%s\"", i, texts[i])
            .isEqualTo(ids);
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(40);
  }

  @Test
  void smolLmsIdsOfWikiText() throws IOException {
    Path model =
        shared()
            .resolve("assets/models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf");
    Safetensors golden =
        Safetensors.open(shared().resolve("goldens/smollm2/golden.safetensors"), arena);
    int[] expected = golden.tensor("wikitext_ids").data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
    String text = Files.readString(shared().resolve("assets/text/wikitext2/wikitext-test.txt"));
    try (Tokenizer tokenizer = ModelTokenizer.of(Gguf.open(model, arena).metadata())) {
      int[] ids = tokenizer.encodeAlone(text.substring(0, 120_000));
      assertThat(Arrays.copyOf(ids, expected.length)).isEqualTo(expected);
      assertThat(tokenizer.decode(new int[] {504, 3575, 282, 4649, 314}, false))
          .isEqualTo("The capital of France is");
    }
  }

  private static Path shared() {
    return Path.of(System.getProperty("hone.shared"));
  }
}
