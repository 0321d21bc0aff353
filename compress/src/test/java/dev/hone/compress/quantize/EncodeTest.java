package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.TinyModel;
import dev.hone.model.folder.Model;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncodeTest {
  @TempDir private Path folder;

  @Test
  void toTheTypeTheyHaveChangesNothing() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofConfined()) {
      Pass.Outcome outcome =
          new Encode(Plain.F32, LayerSelection.blocks()).apply(model.transformer(), arena);
      assertThat(outcome.changes()).isEmpty();
      assertThat(outcome.model()).isEqualTo(model.transformer());
    }
  }

  @Test
  void touchesTheChosenLayersAlone() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofConfined()) {
      var selection =
          new LayerSelection(
              LayerSelection.of(LayerKind.FEED_FORWARD).kinds(),
              List.of("*layer.1.*"),
              List.of("*.output.*"));
      Pass.Outcome outcome =
          new Encode(DType.of("int8-channel"), selection).apply(model.transformer(), arena);
      assertThat(outcome.changes())
          .extracting(LayerChange::layer)
          .containsExactly("encoder.layer.1.intermediate.dense.weight");
      LayerChange change = outcome.changes().getFirst();
      assertThat(change.bytesBefore()).isEqualTo(96 * 64 * 4);
      assertThat(change.bytesAfter()).isEqualTo(96 * 64 + 96 * 4);
    }
  }

  @Test
  void errorFallsAsBitsRise() {
    try (Model model = Model.load(TinyModel.in(folder));
        Arena arena = Arena.ofConfined()) {
      List<Double> errors =
          List.of(
                  "int2-g32-asym",
                  "int3-g64-asym",
                  "int4-g64",
                  "int4-g64-asym",
                  "int4-g32-asym",
                  "int5-g64-asym",
                  "int6-g64-asym",
                  "int7-g64-asym",
                  "int8-g64-asym",
                  "bf16",
                  "f16")
              .stream()
              .map(label -> new Encode(DType.of(label), LayerSelection.blocks()))
              .map(pass -> pass.apply(model.transformer(), arena))
              .map(
                  o -> o.changes().stream().mapToDouble(LayerChange::error).average().orElseThrow())
              .toList();
      for (int i = 1; i < errors.size(); i++) {
        assertThat(errors.get(i)).isLessThan(errors.get(i - 1));
      }
      assertThat(errors.getFirst()).isLessThan(0.5);
    }
  }
}
