package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.folder.Model;
import dev.hone.model.format.gguf.GgufModelWriter;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model in GGUF answers as the folder it was converted from. */
@Tag("shared")
class GgufGoldenTest {
  private static final Path GOLDENS = Path.of(System.getProperty("hone.shared"), "goldens");

  @TempDir private Path folder;

  /** Files of llama.cpp's converter. */
  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3-rope", "qwen2", "mixtral", "gpt2", "gpt-neox"})
  void readsLlamaCppsFiles(String name) {
    agrees(GOLDENS.resolve("gguf").resolve(name + ".gguf"), name);
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
  void readsWhatItWrites(String name) throws IOException {
    Path file = folder.resolve("model.gguf");
    try (Model model = Model.load(GOLDENS.resolve(name))) {
      GgufModelWriter.write(file, model.config(), model.transformer(), Map.of());
    }
    agrees(file, name);
  }

  private static void agrees(Path file, String name) {
    Path golden = GOLDENS.resolve(name).resolve("golden.safetensors");
    try (var pool = new ComputePool(2);
        Model model = Model.load(file);
        Engine engine = new Engine(model.transformer(), KernelTier.VECTOR.create(pool))) {
      List<Golden.Difference> differences = Golden.compare(engine, golden);
      assertThat(differences).hasSize(8);
      assertThat(differences).allSatisfy(d -> assertThat(d.relative()).isLessThan(1e-4));
      assertThat(Golden.greedy(engine, golden)).hasSize(4).allMatch(Golden.Greedy::agrees);
    }
  }
}
