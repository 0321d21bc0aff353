package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.folder.Model;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Goldens of Hugging Face transformers, alone and packed together, by every tier of kernels. */
@Tag("shared")
class GoldenTest {
  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @ValueSource(strings = {"bert", "distilbert", "roberta", "xlm-roberta"})
  void agreesWithTheReference(String architecture) {
    Path folder = Path.of(System.getProperty("hone.shared"), "goldens", architecture);
    for (KernelTier tier : KernelTier.values()) {
      try (var pool = new ComputePool(2);
          Model model = Model.load(folder);
          Engine engine = new Engine(model.transformer(), tier.create(pool))) {
        for (boolean packed : new boolean[] {false, true}) {
          var differences = Golden.compare(engine, folder.resolve("golden.safetensors"), packed);
          assertThat(differences).hasSize(8);
          assertThat(differences).allSatisfy(d -> assertThat(d.largest()).isLessThan(TOLERANCE));
        }
      }
    }
  }
}
