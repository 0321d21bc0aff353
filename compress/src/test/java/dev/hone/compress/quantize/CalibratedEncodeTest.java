package dev.hone.compress.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.compress.LayerChange;
import dev.hone.compress.LayerKind;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.Progress;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.TinyModel;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.measure.Fidelity;
import dev.hone.model.Batch;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType;
import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibratedEncodeTest {
  private final ComputePool pool = new ComputePool(2);
  private final Arena arena = Arena.ofShared();
  private final List<Progress> progress = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
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

  private Calibration calibration(int texts, Optional<Path> journal) {
    return new Calibration(
        CalibrationTexts.texts(TinyModel.texts(200, 1), texts, encoder.tokenizer(), 64),
        KernelTier.select(Optional.empty()).tier().create(pool),
        pool,
        progress::add,
        notes::add,
        journal);
  }

  private Pass.Outcome encode(String type, Method method, Calibration calibration) {
    return new Encode(DType.of(type), Rounding.of(method), LayerSelection.blocks())
        .apply(encoder.model().transformer(), calibration, arena);
  }

  @Test
  void everyStepBringsAnswersNearer() {
    List<String> texts = TinyModel.texts(100, 2);
    Map<Method, Double> cosines = new EnumMap<>(Method.class);
    for (Method method : Method.values()) {
      Pass.Outcome outcome = encode("int4-g32-asym", method, calibration(200, Optional.empty()));
      assertThat(outcome.changes()).hasSize(12);
      assertThat(outcome.changes()).extracting(LayerChange::to).containsOnly("int4-g32-asym");
      try (Encoder changed = encoder.with(outcome.model())) {
        cosines.put(method, Fidelity.of(encoder.embed(texts), changed.embed(texts)).meanCosine());
      }
    }
    assertThat(cosines.get(Method.REFIT)).isGreaterThan(cosines.get(Method.RTN));
    assertThat(cosines.get(Method.GPTQ_RANGE)).isGreaterThan(cosines.get(Method.RTN));
    assertThat(cosines.get(Method.GPTQ)).isGreaterThan(cosines.get(Method.REFIT));
    assertThat(progress).extracting(Progress::share).endsWith(0.5, 1.0);
  }

  /** One token comes to two experts of each block; the others are told of. */
  @Test
  @Tag("shared")
  void tellsOfExpertsThatReadNothing() {
    Path mixtral = Path.of(System.getProperty("hone.shared"), "goldens/mixtral");
    LayerSelection blocks = LayerSelection.blocks();
    var oneToken =
        new Calibration(
            List.of(Batch.of(List.of(new int[] {5}))),
            KernelTier.select(Optional.empty()).tier().create(pool),
            pool,
            progress::add,
            notes::add,
            Optional.empty());
    try (Model model = Model.load(mixtral)) {
      new Encode(DType.of("int4-g16-asym"), Rounding.of(Method.GPTQ), blocks)
          .apply(model.transformer(), oneToken, arena);
      new StaticInputs(blocks).apply(model.transformer(), oneToken, arena);
    }
    assertThat(notes)
        .hasSize(2)
        .allSatisfy(note -> assertThat(note).contains("experts.").contains("read nothing"));
  }

  /** As after kill -9: blocks that were finished stay, a file that was not renamed is nothing. */
  @Test
  void goesOnWhereItWasStopped() throws IOException {
    Path journal = folder.resolve("journal");
    Transformer whole =
        encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.empty())).model();
    encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.of(journal)));
    Path first = journal.resolve("block-00000.safetensors");
    Files.delete(journal.resolve("block-00001.safetensors"));
    Files.writeString(journal.resolve(".block-00001.safetensors.part"), "half of it");
    var written = Files.getLastModifiedTime(first);
    Pass.Outcome again =
        encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.of(journal)));
    assertThat(Files.getLastModifiedTime(first)).isEqualTo(written);
    assertThat(bytes(again.model())).isEqualTo(bytes(whole));
    assertThat(again.changes()).hasSize(12);
  }

  /** As after kill -9 while an old journal was removed: its key is gone, blocks are left. */
  @Test
  void beginsAnewWhereTheKeyIsMissing() throws IOException {
    Path journal = folder.resolve("journal");
    encode("int4-g32-asym", Method.REFIT, calibration(50, Optional.of(journal)));
    Files.delete(journal.resolve("key"));
    assertThat(
            bytes(
                encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.of(journal)))
                    .model()))
        .isEqualTo(
            bytes(encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.empty())).model()));
  }

  /** GGUF's blocks are multiplied with floats; layers that were not chosen stay as they are. */
  @Test
  void whatLayersReadIsKeptToo() {
    Transformer dynamic =
        new RoundInputs(Input.DYNAMIC_INT8, LayerSelection.blocks())
            .apply(encoder.model().transformer(), arena)
            .model();
    var forward = LayerSelection.of(LayerKind.FEED_FORWARD);
    var pass = new Encode(DType.Block.Q4_0, Rounding.of(Method.GPTQ), forward);
    Calibration none = calibration(50, Optional.empty());
    assertThatThrownBy(() -> Recipe.of("late", pass).apply(dynamic, none, arena))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("reads dynamic-int8, which q4_0 is not multiplied with")
        .hasMessageContaining("put 'input: float' for it before encode");
    Transformer some = new RoundInputs(Input.FLOAT, forward).apply(dynamic, arena).model();
    Calibration kept = calibration(50, Optional.of(folder.resolve("journal")));
    assertThat(pass.apply(some, kept, arena).model().linears())
        .allSatisfy(
            layer ->
                assertThat(layer.input())
                    .isEqualTo(
                        layer.weight().tensor().dtype() == DType.Block.Q4_0
                            ? Input.FLOAT
                            : Input.DYNAMIC_INT8))
        .anySatisfy(layer -> assertThat(layer.input()).isEqualTo(Input.FLOAT));
  }

  /** Another method, or other texts: nothing of the old journal is taken. */
  @Test
  void beginsAnewWhereSomethingElseIsAsked() {
    Path journal = folder.resolve("journal");
    encode("int4-g32-asym", Method.REFIT, calibration(50, Optional.of(journal)));
    assertThat(
            bytes(
                encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.of(journal)))
                    .model()))
        .isEqualTo(
            bytes(encode("int4-g32-asym", Method.GPTQ, calibration(50, Optional.empty())).model()));
  }

  @Test
  void refusesWhatItCannotDo() throws IOException {
    Recipe recipe =
        Recipe.of(
            "blind",
            new Encode(DType.of("int4-g32"), Rounding.of(Method.GPTQ), LayerSelection.blocks()));
    assertThatThrownBy(() -> recipe.apply(encoder.model().transformer(), arena))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("gptq is calibrated: it needs texts");
    assertThatThrownBy(() -> encode("bf16", Method.GPTQ, Calibration.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bf16 is not calibrated");
    Path foreign = Files.createDirectory(folder.resolve("mine"));
    Files.writeString(foreign.resolve("letter.txt"), "keep me");
    assertThatThrownBy(() -> encode("int4-g32", Method.GPTQ, calibration(50, Optional.of(foreign))))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("is no journal of Hone's");
    assertThat(foreign.resolve("letter.txt")).exists();
  }

  private static List<Integer> bytes(Transformer model) {
    return model.weights().stream()
        .map(Weight::tensor)
        .map(t -> Arrays.hashCode(t.data().toArray(ValueLayout.JAVA_BYTE)))
        .toList();
  }
}
