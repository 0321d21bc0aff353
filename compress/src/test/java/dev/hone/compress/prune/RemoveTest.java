package dev.hone.compress.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.Compression;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.TinyModel;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.compress.calibrate.Gram;
import dev.hone.measure.Fidelity;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.Widths;
import dev.hone.model.format.FormatException;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RemoveTest {
  private final ComputePool pool = new ComputePool(2);
  private final Arena arena = Arena.ofShared();
  private final List<String> texts = TinyModel.texts(100, 2);
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

  private static Remove pass(String amount, Importance by, boolean reconstruct) {
    return new Remove(Removal.of(amount), by, reconstruct, Remove.DAMPING, LayerSelection.blocks());
  }

  private Transformer remove(String amount, Importance by, boolean reconstruct) {
    return pass(amount, by, reconstruct)
        .apply(encoder.model().transformer(), calibration(Optional.empty()), arena)
        .model();
  }

  private double cosine(Transformer changed) {
    try (Encoder other = encoder.with(changed)) {
      return Fidelity.of(encoder.embed(texts), other.embed(texts)).meanCosine();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatReadsTheRestMakesGoodForWhatIsGone(Importance by) {
    List<Widths> before = Widths.of(encoder.model().transformer());
    Transformer plain = remove("heads=50% ffn=25%", by, false);
    Transformer fitted = remove("heads=50% ffn=25%", by, true);
    for (int i = 0; i < before.size(); i++) {
      Widths wanted =
          new Widths(
              before.get(i).heads() / 2,
              before.get(i).kvHeads() / 2,
              before.get(i).intermediate() * 3 / 4);
      assertThat(Widths.of(plain).get(i)).isEqualTo(wanted);
      assertThat(Widths.of(fitted).get(i)).isEqualTo(wanted);
    }
    assertThat(cosine(fitted)).isGreaterThan(cosine(plain)).isLessThan(1);
  }

  @Test
  void whatMattersLeastIsHardlyMissed() {
    Transformer narrowed = remove("ffn=1", Importance.RECONSTRUCTION, true);
    assertThat(cosine(narrowed)).isGreaterThan(0.99);
  }

  /** As in deep models of random weights: of what tokens differ by, rounding alone is left. */
  @ParameterizedTest
  @EnumSource
  void tokensThatAreAllAlikeAreReadAsBefore(Part.Kind kind) {
    Part part = Part.of(encoder.model().transformer().blocks().getFirst(), kind).orElseThrow();
    int n = part.reader().in();
    float[] token = new float[n];
    for (int i = 0; i < n; i++) {
      token[i] = (float) Math.sin(i + 1) * (1 + i % 7);
    }
    Gram gram = new Gram(part.reader().name(), n, Gram.Extent.ALL);
    Tensor tokens = Tensor.allocate(arena, Plain.F32, 700, n);
    for (long row = 0; row < tokens.rows(); row++) {
      MemorySegment.copy(token, 0, tokens.row(row), Tensor.FLOAT, 0, n);
    }
    gram.add(tokens, calibration(Optional.empty()).kernels(), pool);
    int[] kept = IntStream.range(0, part.units() / 2).toArray();
    Reconstruction.Made made = new Reconstruction(part, gram, Remove.DAMPING, pool).of(kept);
    int[] columns = part.columns(kept);
    float[] bias = part.reader().bias().tensor().toArray();
    for (int row = 0; row < bias.length; row++) {
      double before = bias[row];
      for (int i = 0; i < n; i++) {
        before += part.reader().weight().tensor().get(row, i) * token[i];
      }
      double after = made.bias()[row];
      for (int i = 0; i < columns.length; i++) {
        after += made.weights()[row * columns.length + i] * token[columns[i]];
      }
      assertThat(after).isCloseTo(before, within(1e-3));
    }
  }

  @Test
  void takesMostWhereAnswersChangeLeast() {
    Transformer original = encoder.model().transformer();
    Transformer narrowed = remove("30%", Importance.RECONSTRUCTION, true);
    long before = original.blocks().stream().mapToLong(RemoveTest::weights).sum();
    long after = narrowed.blocks().stream().mapToLong(RemoveTest::weights).sum();
    assertThat((double) after / before).isBetween(0.6, 0.7);
    assertThat(cosine(narrowed)).isLessThan(1);
  }

  private static long weights(dev.hone.model.Block block) {
    Widths widths = Widths.of(block);
    return 4L * widths.heads() * block.attention().shape().headDim() + 2L * widths.intermediate();
  }

  @Test
  void isWrittenAndReadBack() throws IOException {
    Path target = folder.resolve("narrow");
    var recipe = Recipe.of("narrow", pass("30%", Importance.ACTIVATION, true));
    new Compression(encoder.model().source(), "tiny", recipe, target)
        .run(
            new Compression.Texts(String.join("\n", TinyModel.texts(200, 1)), 100, 64),
            2,
            KernelTier.select(Optional.empty()).tier(),
            _ -> {});
    Transformer made = remove("30%", Importance.ACTIVATION, true);
    try (Encoder read = Encoder.load(target, EncoderOptions.defaults())) {
      assertThat(Widths.of(read.model().transformer())).isEqualTo(Widths.of(made));
      assertThat(Widths.of(made)).isNotEqualTo(Widths.of(encoder.model().transformer()));
      assertThat(bytes(read.model().transformer())).isEqualTo(bytes(made));
      assertThat(read.embed("a king")).hasSize(encoder.embed("a king").length);
    }
    Path config = target.resolve("config.json");
    String right = Files.readString(config);
    Files.writeString(config, right.replaceFirst("\"heads\" *: *\\[ *\\d+", "\"heads\" : [ 77"));
    assertThatThrownBy(() -> Encoder.load(target, EncoderOptions.defaults()))
        .isInstanceOf(FormatException.class);
    Files.writeString(config, right.replace("hone_widths", "other_widths"));
    assertThatThrownBy(() -> Encoder.load(target, EncoderOptions.defaults()))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("config.json promises");
  }

  @Test
  void goesOnWhereItWasStopped() throws IOException {
    Path journal = folder.resolve("journal");
    Remove pass = pass("heads=50% ffn=25%", Importance.RECONSTRUCTION, true);
    Transformer original = encoder.model().transformer();
    pass.apply(original, calibration(Optional.of(journal)), arena);
    Files.delete(journal.resolve("block-00001.safetensors"));
    Transformer again = pass.apply(original, calibration(Optional.of(journal)), arena).model();
    assertThat(bytes(again))
        .isEqualTo(bytes(remove("heads=50% ffn=25%", Importance.RECONSTRUCTION, true)));
    assertThat(Widths.of(again).getFirst().heads())
        .isEqualTo(Widths.of(original).getFirst().heads() / 2);
  }

  @Test
  void refusesWhatItCannotDo() {
    Transformer original = encoder.model().transformer();
    Recipe blind = Recipe.of("blind", pass("ffn=25%", Importance.ACTIVATION, true));
    assertThatThrownBy(() -> blind.apply(original, arena))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("remove by activation with reconstruction is calibrated");
    assertThatThrownBy(() -> remove("99.9%", Importance.NORM, true))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("every part keeps a unit");
  }

  private static List<Integer> bytes(Transformer model) {
    return model.weights().stream()
        .map(Weight::tensor)
        .map(t -> Arrays.hashCode(t.data().toArray(ValueLayout.JAVA_BYTE)))
        .toList();
  }
}
