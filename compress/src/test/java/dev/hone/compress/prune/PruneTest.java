package dev.hone.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.TinyModel;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.compress.prune.Sparsity.Scope;
import dev.hone.compress.quantize.Encode;
import dev.hone.measure.Fidelity;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PruneTest {
  private final ComputePool pool = new ComputePool(2);
  private final Arena arena = Arena.ofShared();
  @TempDir private Path folder;
  private Encoder encoder;

  @BeforeEach
  void load() {
    encoder = Encoder.load(TinyModel.in(folder), EncoderOptions.defaults());
  }

  @AfterEach
  void close() {
    encoder.close();
    pool.close();
    arena.close();
  }

  private Calibration calibration(Optional<Path> journal) {
    return new Calibration(
        CalibrationTexts.texts(TinyModel.texts(200, 1), 100, encoder.tokenizer(), 64),
        KernelTier.select(Optional.empty()).tier().create(pool),
        pool,
        _ -> {},
        _ -> {},
        journal);
  }

  private Pass.Outcome prune(String amount, Criterion by, Scope scope, Calibration calibration) {
    return new Prune(Sparsity.of(amount, scope), by, LayerSelection.blocks())
        .apply(encoder.model().transformer(), calibration, arena);
  }

  private Pass.Outcome judged(String amount, Criterion by, Scope scope, Calibration calibration) {
    Pass pass = new Prune(Sparsity.of(amount, scope), by, LayerSelection.blocks());
    return Recipe.of("judged", pass).apply(encoder.model().transformer(), calibration, arena);
  }

  private Pass.Outcome prune(String amount, Criterion by) {
    return prune(amount, by, by.usualScope(), calibration(Optional.empty()));
  }

  @ParameterizedTest
  @CsvSource({"50%", "2:4", "4:8"})
  void looksAtTextsToLoseLess(String amount) {
    List<String> texts = TinyModel.texts(100, 2);
    Map<Criterion, Double> cosines = new EnumMap<>(Criterion.class);
    for (Criterion by : Criterion.values()) {
      Pass.Outcome outcome = prune(amount, by);
      assertThat(outcome.changes()).hasSize(12);
      assertThat(outcome.changes())
          .allSatisfy(c -> assertThat(c.zeros()).isCloseTo(0.5, within(1e-3)));
      try (Encoder changed = encoder.with(outcome.model())) {
        cosines.put(by, Fidelity.of(encoder.embed(texts), changed.embed(texts)).meanCosine());
      }
    }
    assertThat(cosines.get(Criterion.WANDA)).isGreaterThan(cosines.get(Criterion.MAGNITUDE));
    assertThat(cosines.get(Criterion.SPARSEGPT)).isGreaterThan(cosines.get(Criterion.WANDA));
  }

  /** Of every eight in a row three stay. */
  @ParameterizedTest
  @EnumSource(Criterion.class)
  void patternsHoldInEveryGroup(Criterion by) {
    for (Weight weight : prune("3:8", by).model().weights()) {
      if (weight.name().endsWith("output.dense.weight")) {
        float[] numbers = weight.tensor().toArray();
        for (int at = 0; at < numbers.length; at += 8) {
          int first = at;
          assertThat(IntStream.range(0, 8).filter(i -> numbers[first + i] != 0).count())
              .isEqualTo(3);
        }
      }
    }
  }

  /** What is taken from all together is not taken evenly. */
  @ParameterizedTest
  @EnumSource(names = {"MAGNITUDE", "WANDA"})
  void globallyTheSmallestOfAllGo(Criterion by) {
    Pass.Outcome outcome = prune("30%", by, Scope.GLOBAL, calibration(Optional.empty()));
    Map<String, Long> sizes = new HashMap<>();
    outcome.model().weights().forEach(w -> sizes.put(w.name(), w.tensor().size()));
    double zeros =
        outcome.changes().stream().mapToDouble(c -> c.zeros() * sizes.get(c.layer())).sum();
    double all = outcome.changes().stream().mapToLong(c -> sizes.get(c.layer())).sum();
    assertThat(zeros).isCloseTo(Math.rint(0.3 * all), within(0.5));
    assertThat(outcome.changes().stream().mapToDouble(LayerChange::zeros).distinct().count())
        .isGreaterThan(6);
  }

  @Test
  void aThresholdTakesWhatIsBelow() {
    Transformer pruned =
        prune("below:0.01", Criterion.MAGNITUDE, Scope.LAYER, Calibration.NONE).model();
    Transformer original = encoder.model().transformer();
    for (int i = 0; i < original.weights().size(); i++) {
      float[] before = original.weights().get(i).tensor().toArray();
      float[] after = pruned.weights().get(i).tensor().toArray();
      boolean touched = original.weights().get(i).tensor() != pruned.weights().get(i).tensor();
      for (int j = 0; j < before.length; j++) {
        boolean gone = touched && Math.abs(before[j]) < 0.01f;
        assertThat(after[j]).isEqualTo(gone ? 0 : before[j]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Criterion.class)
  void nothingTakenAwayChangesNothing(Criterion by) {
    assertThat(bytes(prune("0%", by).model())).isEqualTo(bytes(encoder.model().transformer()));
  }

  @Test
  void embeddingsArePrunedWhereAsked() {
    Pass.Outcome outcome =
        new Prune(
                Sparsity.of("25%", Scope.ROW),
                Criterion.WANDA,
                LayerSelection.of(LayerKind.EMBEDDING))
            .apply(encoder.model().transformer(), calibration(Optional.empty()), arena);
    assertThat(outcome.changes())
        .hasSize(3)
        .allSatisfy(c -> assertThat(c.zeros()).isCloseTo(0.25, within(1e-3)));
  }

  @ParameterizedTest
  @EnumSource(names = {"WANDA", "SPARSEGPT"})
  void goesOnWhereItWasStopped(Criterion by) throws IOException {
    Path journal = folder.resolve("journal");
    var whole = bytes(prune("50%", by).model());
    prune("50%", by, by.usualScope(), calibration(Optional.of(journal)));
    Path first = journal.resolve("block-00000.safetensors");
    Files.delete(journal.resolve("block-00001.safetensors"));
    var written = Files.getLastModifiedTime(first);
    var again = prune("50%", by, by.usualScope(), calibration(Optional.of(journal)));
    assertThat(Files.getLastModifiedTime(first)).isEqualTo(written);
    assertThat(bytes(again.model())).isEqualTo(whole);
    assertThat(again.changes()).hasSize(12);
  }

  @Test
  void refusesWhatItCannotDo() {
    assertThatThrownBy(() -> judged("50%", Criterion.WANDA, Scope.ROW, Calibration.NONE))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("wanda is calibrated: it needs texts");
    assertThatThrownBy(() -> judged("2:7", Criterion.MAGNITUDE, Scope.LAYER, Calibration.NONE))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("has rows of 64 columns: 2:7 needs a multiple of 7");
    assertThatThrownBy(() -> judged("100000", Criterion.MAGNITUDE, Scope.LAYER, Calibration.NONE))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("100000 of 4096 are to be taken away");
    assertThatThrownBy(() -> prune("50%", Criterion.SPARSEGPT, Scope.ROW, Calibration.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a share of every layer or a pattern, not 0.5 with scope row");
    Transformer quantized =
        new Encode(DType.of("int8-channel"), LayerSelection.blocks())
            .apply(encoder.model().transformer(), arena)
            .model();
    assertThatThrownBy(
            () ->
                Recipe.of(
                        "late",
                        new Prune(
                            Sparsity.of("50%", Scope.ROW),
                            Criterion.MAGNITUDE,
                            LayerSelection.blocks()))
                    .apply(quantized, arena))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("is int8-channel already: prune before weights are quantized");
  }

  private static List<Integer> bytes(Transformer model) {
    return model.weights().stream()
        .map(Weight::tensor)
        .map(t -> Arrays.hashCode(t.data().toArray(ValueLayout.JAVA_BYTE)))
        .toList();
  }
}
