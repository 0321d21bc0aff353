package dev.hone.compress.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.compress.TinyModel;
import dev.hone.model.Linear;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MixtureTest {
  private static final DType INT4 = DType.of("int4-g32-asym");

  @TempDir private Path folder;

  @Test
  void holdsWhatTheRecipeOfTheSameGroupsMakes() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofShared()) {
      var mixture =
          new Mixture(
              model.transformer(),
              KnownRecipes.uniform(INT4, KnownRecipes.EMBEDDING),
              KnownRecipes.uniform(KnownRecipes.INT8, KnownRecipes.EMBEDDING),
              arena);
      List<LayerGroup> groups = LayerGroup.of(model.transformer());
      var asked = new AtomicReference<List<LayerGroup>>();
      // Takes the last group alone and nothing beside it.
      var search =
          new BlockSearch(
              INT4,
              KnownRecipes.INT8,
              KnownRecipes.EMBEDDING,
              lowered -> {
                boolean fits = lowered.equals(List.of(groups.getLast()));
                if (fits) {
                  asked.set(lowered);
                }
                return fits ? 0 : 1;
              });
      var made =
          search.find("mixed", groups, 0.5).orElseThrow().apply(model.transformer(), arena).model();
      var mixed = mixture.of(asked.get());
      assertThat(mixed.weights()).hasSameSizeAs(made.weights());
      for (int i = 0; i < made.weights().size(); i++) {
        var expected = made.weights().get(i);
        var actual = mixed.weights().get(i);
        assertThat(actual.name()).isEqualTo(expected.name());
        assertThat(actual.tensor().dtype()).as(actual.name()).isEqualTo(expected.tensor().dtype());
        assertThat(actual.tensor().data().mismatch(expected.tensor().data()))
            .as(actual.name())
            .isEqualTo(-1);
      }
      Linear up = groups.getLast().layers().getFirst();
      assertThat(mixed.weights())
          .filteredOn(w -> w.name().equals(up.weight().name()))
          .singleElement()
          .satisfies(w -> assertThat(w.tensor().dtype()).isEqualTo(INT4));
    }
  }
}
