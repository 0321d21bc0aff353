package dev.hone.compress.search;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.TinyModel;
import dev.hone.compress.quantize.Encode;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MixtureTest {
  private static final DType INT4 = DType.of("int4-g32-asym");
  private static final DType INT8 = DType.of("int8-channel");

  @TempDir private Path folder;

  private static Recipe blocks(DType type) {
    return Recipe.of(type.label(), new Encode(type, LayerSelection.blocks()));
  }

  @Test
  void holdsWhatARecipeOfTheSameLayersMakes() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofShared()) {
      var mixture = new Mixture(model.transformer());
      for (DType type : List.of(INT4, INT8)) {
        assertThat(
                mixture.add(type.label(), blocks(type).apply(model.transformer(), arena).model()))
            .isTrue();
      }
      LayerGroup last = mixture.groups().get(mixture.groups().size() - 2);
      assertThat(last.name()).startsWith("feed-forward-out.");
      Transformer mixed = mixture.of(Map.of(last.name(), INT4.label()));
      Transformer made =
          Recipe.of(
                  "alone",
                  new Encode(
                      INT4,
                      LayerSelection.of(LayerKind.FEED_FORWARD).named(List.copyOf(last.weights()))))
              .apply(model.transformer(), arena)
              .model();
      for (int i = 0; i < made.weights().size(); i++) {
        var expected = made.weights().get(i);
        var actual = mixed.weights().get(i);
        assertThat(actual.name()).isEqualTo(expected.name());
        assertThat(actual.tensor().dtype()).as(actual.name()).isEqualTo(expected.tensor().dtype());
        assertThat(actual.tensor().data().mismatch(expected.tensor().data()))
            .as(actual.name())
            .isEqualTo(-1);
      }
      assertThat(mixture.bytes(last, INT4.label())).isLessThan(mixture.bytes(last, INT8.label()));
    }
  }

  @Test
  void choicesAreThoseThatDiffer() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofShared()) {
      var mixture = new Mixture(model.transformer());
      Transformer int8 = blocks(INT8).apply(model.transformer(), arena).model();
      mixture.add("int8", int8);
      mixture.add("int8 again", blocks(INT8).apply(model.transformer(), arena).model());
      List<LayerGroup> groups = mixture.groups();
      assertThat(mixture.choices(groups.getFirst())).containsExactly(Mixture.ORIGINAL, "int8");
      assertThat(groups.getLast().name()).isEqualTo("embeddings");
      assertThat(mixture.choices(groups.getLast())).containsExactly(Mixture.ORIGINAL);
    }
  }

  @Test
  void aMixtureOfOneVersionAloneIsThatVersion() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofShared()) {
      var mixture = new Mixture(model.transformer());
      mixture.add("int8", blocks(INT8).apply(model.transformer(), arena).model());
      Map<String, String> assignment = new HashMap<>();
      mixture.groups().forEach(group -> assignment.put(group.name(), Mixture.ORIGINAL));
      assertThat(mixture.version(assignment)).contains(Mixture.ORIGINAL);
      assignment.put(mixture.groups().getFirst().name(), "int8");
      assertThat(mixture.version(assignment)).isEmpty();
      mixture.groups().forEach(group -> assignment.put(group.name(), "int8"));
      assignment.put("embeddings", Mixture.ORIGINAL); // which that version has too
      assertThat(mixture.version(assignment)).contains("int8");
    }
  }

  @Test
  void aVersionMayHaveOtherBiasesButNoOtherNorms() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofShared()) {
      var mixture = new Mixture(model.transformer());
      Transformer biased =
          model
              .transformer()
              .map(
                  new LayerMap() {
                    @Override
                    public Linear linear(Role role, Linear layer) {
                      return role == Role.QUERY
                          ? new Linear(layer.weight(), copy(layer.bias(), arena), layer.input())
                          : layer;
                    }
                  });
      assertThat(mixture.add("biased", biased)).isTrue();
      assertThat(mixture.choices(mixture.groups().getFirst())).contains("biased");
      Transformer normed =
          model
              .transformer()
              .map(
                  new LayerMap() {
                    @Override
                    public Norm norm(Norm norm) {
                      var layer = (Norm.LayerNorm) norm;
                      return new Norm.LayerNorm(
                          copy(layer.weight(), arena), layer.bias(), layer.epsilon());
                    }
                  });
      assertThat(mixture.add("normed", normed)).isFalse();
    }
  }

  private static Weight copy(Weight weight, Arena arena) {
    float[] values = weight.tensor().toArray();
    values[0] += 1;
    return weight.with(Tensor.copyOf(arena, values, values.length));
  }
}
