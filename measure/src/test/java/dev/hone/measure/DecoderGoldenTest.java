package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.model.Transformer;
import dev.hone.model.cost.Part;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two tiny decoders of random weights and what Hugging Face transformers answers with them: {@code
 * golden.json} says with which versions, seed and tolerance.
 */
class DecoderGoldenTest {
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;

  static Path golden(String name) {
    try {
      return Path.of(DecoderGoldenTest.class.getResource("goldens/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama"})
  void logitsAndGreedyTokensAreTheReferences(String name) {
    agrees(golden(name), golden(name).resolve("golden.safetensors"));
  }

  /** GPT-2's matrices are turned on the way in and back on the way out, to the same bytes. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama"})
  void savedAndLoadedIsTheOriginal(String name) throws IOException {
    Path saved = folder.resolve(name);
    try (Model model = Model.load(golden(name))) {
      ModelWriter.write(model, model.transformer(), new JsonMapper().createObjectNode(), saved);
    }
    try (Arena arena = Arena.ofConfined()) {
      Safetensors before = Safetensors.open(golden(name).resolve("model.safetensors"), arena);
      Safetensors after = Safetensors.open(saved.resolve("model.safetensors"), arena);
      assertThat(after.names()).isEqualTo(before.names());
      for (String tensor : before.names()) {
        assertThat(after.tensor(tensor).shape()).isEqualTo(before.tensor(tensor).shape());
        if (before.tensor(tensor).rank() > 1) { // vectors are written as F32
          assertThat(after.tensor(tensor).data().toArray(ValueLayout.JAVA_BYTE))
              .isEqualTo(before.tensor(tensor).data().toArray(ValueLayout.JAVA_BYTE));
        }
      }
    }
    agrees(saved, golden(name).resolve("golden.safetensors"));
  }

  /** A head that is the word table is weighed once. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama"})
  void everyWeightIsCountedOnce(String name) throws IOException {
    try (Model model = Model.load(golden(name))) {
      Transformer transformer = model.transformer();
      assertThat(Cost.of(transformer, 1, 9).weightBytes()).isEqualTo(transformer.sizeBytes());
      assertThat(transformer.weights()).doesNotHaveDuplicates();
      assertThat(model.unused()).isEmpty();
    }
  }

  /** Of 5 tokens a causal model scores 15 pairs, in 3 layers of 4 heads of 16 numbers. */
  @Test
  void causalScoresAreHalf() {
    try (Model model = Model.load(golden("llama"))) {
      Cost cost = Cost.of(model.transformer(), 1, 5);
      assertThat(cost.parts().stream().filter(p -> p.part() == Part.SCORES).findFirst())
          .hasValueSatisfying(p -> assertThat(p.operations()).isEqualTo(3 * 4 * 15 * 33));
    }
  }

  /** What a wrong answer looks like: positions that turn a little further. */
  @Test
  void aWrongModelDiffers() throws IOException {
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(golden("llama").resolve(file), folder.resolve(file));
    }
    Path config = folder.resolve("config.json");
    String wrong =
        Files.readString(config).replace("\"rope_theta\": 10000.0", "\"rope_theta\": 9000.0");
    Files.writeString(config, wrong);
    try (var pool = new ComputePool(2);
        Model model = Model.load(folder);
        Engine engine = new Engine(model.transformer(), KernelTier.VECTOR.create(pool))) {
      Path golden = golden("llama").resolve("golden.safetensors");
      assertThat(Golden.compare(engine, golden))
          .filteredOn(d -> d.tokens() > 1)
          .allMatch(d -> d.relative() > TOLERANCE);
      assertThat(Golden.greedy(engine, golden)).anyMatch(g -> !g.agrees());
    }
  }

  private static void agrees(Path source, Path golden) {
    for (KernelTier tier : new KernelTier[] {KernelTier.SCALAR, KernelTier.VECTOR}) {
      try (var pool = new ComputePool(2);
          Model model = Model.load(source);
          Engine engine = new Engine(model.transformer(), tier.create(pool))) {
        for (boolean packed : new boolean[] {false, true}) {
          assertThat(Golden.compare(engine, golden, packed))
              .hasSize(8)
              .allSatisfy(d -> assertThat(d.relative()).isLessThan(TOLERANCE));
        }
        assertThat(Golden.greedy(engine, golden))
            .hasSize(4)
            .allMatch(Golden.Greedy::agrees)
            .anyMatch(g -> g.compared() == 24);
      }
    }
  }
}
