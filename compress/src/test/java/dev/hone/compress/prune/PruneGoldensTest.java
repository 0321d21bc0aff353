package dev.hone.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.CalibratedGoldens;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.prune.Sparsity.Scope;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What llm-compressor and torch prune of a tiny Llama. */
@Tag("shared")
class PruneGoldensTest {

  @ParameterizedTest
  @CsvSource({
    "magnitude-50, MAGNITUDE, 50%, ROW, 0.5",
    "torch-l1-unstructured-0.2, MAGNITUDE, 0.2, LAYER, 0.2",
    "torch-global-l1-0.4, MAGNITUDE, 40%, GLOBAL, 0.4",
    "wanda-50, WANDA, 50%, ROW, 0.5",
    "wanda-2-4, WANDA, 2:4, ROW, 0.5",
  })
  void zerosAreTheGoldens(String golden, Criterion by, String amount, Scope scope, double zeros) {
    var pass = new Prune(Sparsity.of(amount, scope), by, LayerSelection.blocks());
    try (var goldens = new CalibratedGoldens()) {
      Transformer pruned = goldens.after(pass);
      Set<String> chosen = new HashSet<>();
      pruned.blocks().forEach(block -> chosen.addAll(LayerSelection.blocks().names(block)));
      double found = 0;
      double all = 0;
      for (Weight weight : pruned.weights()) {
        if (chosen.contains(weight.name())) {
          float[] numbers = weight.tensor().toArray();
          float[] expected = goldens.weights(golden).apply(weight.name()).toArray();
          // Masks that are multiplied with leave zeros with a sign.
          int different = mismatches(numbers, expected);
          assertThat(different).as(weight.name()).isZero();
          found += IntStream.range(0, numbers.length).filter(i -> numbers[i] == 0).count();
          all += numbers.length;
        }
      }
      assertThat(found / all).isCloseTo(zeros, within(1e-4));
    }
  }

  @ParameterizedTest
  @CsvSource({"sparsegpt-50, 50%", "sparsegpt-2-4, 2:4"})
  void reachesTheGoldensErrors(String golden, String amount) throws IOException {
    var pass =
        new Prune(Sparsity.of(amount, Scope.LAYER), Criterion.SPARSEGPT, LayerSelection.blocks());
    try (var goldens = new CalibratedGoldens()) {
      assertThat(goldens.errorBeside(golden, pass)).isBetween(0.9, 1.03);
    }
  }

  private static int mismatches(float[] a, float[] b) {
    return (int) IntStream.range(0, b.length).filter(i -> a[i] != b[i]).count();
  }
}
