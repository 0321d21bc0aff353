package dev.hone.compress.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.compress.Recipe;
import dev.hone.compress.TinyModel;
import dev.hone.compress.search.LanguageQuality.Loss;
import dev.hone.measure.Bootstrap;
import dev.hone.measure.Objective;
import dev.hone.measure.Timing;
import dev.hone.measure.language.Divergence;
import dev.hone.measure.language.LanguageModel;
import dev.hone.measure.language.Windows;
import dev.hone.measure.language.Windows.Window;
import dev.hone.model.folder.Model;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.generate.TextGenerator;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The search over decoders: {@link OptimizerTest} shows what is the same for all models. */
class DecoderOptimizerTest {
  private static final int WINDOW = 32;
  private static final String TEXT = String.join(" ", TinyModel.texts(60, 1));
  private static final String OTHER = String.join(" ", TinyModel.texts(60, 2));
  private static final KernelTier TIER = KernelTier.select(Optional.empty()).tier();

  @TempDir private Path folder;

  private int trials = 12;

  private Optimizer.Result optimize(Path model, LanguageQuality quality, double maxLoss)
      throws IOException {
    var settings =
        new Optimizer.Settings(
            "tiny",
            maxLoss,
            Objective.SIZE,
            new Timing.Plan(3, 5, Duration.ofMillis(5)),
            List.of(),
            trials,
            Duration.ofMinutes(5));
    return new Optimizer<>(() -> DecoderSubject.load(model, TIER, 2), quality, settings, _ -> {})
        .run(folder.resolve("small"));
  }

  private static LanguageQuality quality(Loss loss) {
    return new LanguageQuality(
        loss, new LanguageQuality.Texts(TEXT, OTHER, "random words", WINDOW, 24));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2"})
  void whatIsReportedIsWhatWasSavedAndGenerates(String architecture) throws IOException {
    Path tiny = TinyModel.decoder(folder, architecture);
    Optimizer.Result result = optimize(tiny, quality(Loss.DIVERGENCE), 0.001);
    assertThat(result.withinBudget()).isTrue();
    assertThat(result.chosen().choose().loss().high()).isLessThanOrEqualTo(0.001);
    assertThat(result.original().report().loss().value()).isZero();
    assertThat(result.original().report().metrics().get("same first choice").value()).isEqualTo(1);
    Path saved = folder.resolve("small");
    assertThat(result.chosen().bytesOnDisk()).isLessThan(result.original().bytesOnDisk() / 2);
    assertHeldOutLoss(tiny, saved, result.chosen());
    try (TextGenerator generator = TextGenerator.load(saved.toString())) {
      assertThat(generator.generate("the king", generator.settings().maxNewTokens(4)).tokens())
          .isNotEmpty();
    }
  }

  /** By another way: all windows of the text, of which the report is of some, evenly spread. */
  private static void assertHeldOutLoss(Path original, Path saved, Trial chosen) {
    try (var pool = new ComputePool(2);
        LanguageModel a = LanguageModel.load(original, TIER, ActivationType.INT8, pool);
        LanguageModel b = LanguageModel.load(saved, TIER, ActivationType.INT8, pool)) {
      int[] ids = a.ids(OTHER);
      List<Window> all = new Windows(WINDOW, WINDOW, Integer.MAX_VALUE).of(ids.length);
      List<Window> some = new ArrayList<>();
      for (int i = 0; i < 24; i++) {
        some.add(all.get((2 * i + 1) * all.size() / 48));
      }
      Divergence.Found found = Divergence.of(a, b, ids, some);
      assertThat(chosen.report().texts()).isEqualTo(24);
      assertThat(chosen.report().loss().value())
          .isCloseTo(found.divergence(Bootstrap.STANDARD).value(), within(1e-6));
      assertThat(chosen.report().metrics().get("perplexity").value())
          .isCloseTo(found.perplexity(Bootstrap.STANDARD).value(), within(1e-2));
    }
  }

  @Test
  void ofAGgufFileItMakesAFolderWithAnother() throws IOException {
    Path file = TinyModel.gguf(folder.resolve("tiny.gguf"));
    Optimizer.Result result = optimize(file, quality(Loss.DIVERGENCE), 0.001);
    assertThat(result.withinBudget()).isTrue();
    assertThat(folder.resolve("small/model.gguf")).exists();
    assertThat(folder.resolve("small/hone.json")).content().contains("\"measured\"");
    try (Model saved = Model.load(folder.resolve("small"))) {
      assertThat(saved.weightFileBytes()).isEqualTo(result.chosen().bytesOnDisk());
    }
    assertHeldOutLoss(file, folder.resolve("small"), result.chosen());
    // What it is made of now is tried no more; what is no smaller was never tried.
    assertThat(result.candidates()).extracting(Trial::name).contains("q8_0", "gptq-q4_1");
    try (Model saved = Model.load(folder.resolve("small"))) {
      assertThat(KnownRecipes.of(saved, true)).extracting(Recipe::name).doesNotContain("f16");
    }
  }

  @Test
  void theRiseOfPerplexityIsALossToo() throws IOException {
    Path tiny = TinyModel.decoder(folder, "llama");
    trials = 4;
    Optimizer.Result result = optimize(tiny, quality(Loss.PERPLEXITY), 0.01);
    Trial original = result.original();
    Trial chosen = result.chosen();
    assertThat(original.choose().loss().value()).isZero();
    double was = original.choose().metrics().get("perplexity").value();
    double is = chosen.choose().metrics().get("perplexity").value();
    assertThat(chosen.choose().loss().value()).isCloseTo(is / was - 1, within(1e-6));
    assertThat(chosen.choose().metrics()).containsKey("divergence");
  }

  @Test
  void goesOnBehindItsLog() throws IOException {
    Path tiny = TinyModel.decoder(folder, "llama");
    trials = 2;
    Optimizer.Result first = optimize(tiny, quality(Loss.DIVERGENCE), 0.001);
    trials = 4;
    Optimizer.Result second = optimize(tiny, quality(Loss.DIVERGENCE), 0.001);
    assertThat(second.candidates()).hasSize(4);
    for (int i = 0; i < 2; i++) {
      assertThat(second.candidates().get(i).choose()).isEqualTo(first.candidates().get(i).choose());
    }
  }

  @Test
  void windowsOfOneTextAreChosenByOrReportedByNeverBoth() {
    var quality =
        new LanguageQuality(
            Loss.DIVERGENCE, new LanguageQuality.Texts(TEXT, null, "one text", WINDOW, 1000));
    try (var model = DecoderSubject.load(TinyModel.decoder(folder, "llama"), TIER, 1)) {
      quality.remember(model);
      int windows = model.language().ids(TEXT).length / WINDOW;
      assertThat(quality.ofOriginal(Quality.Part.CHOOSE).texts()).isEqualTo((windows + 1) / 2);
      assertThat(quality.ofOriginal(Quality.Part.REPORT).texts()).isEqualTo(windows / 2);
      assertThat(quality.ofOriginal(Quality.Part.CHOOSE).metrics().get("perplexity"))
          .isNotEqualTo(quality.ofOriginal(Quality.Part.REPORT).metrics().get("perplexity"));
    }
  }

  @Test
  void aTextOfFewWindowsIsRefusedWithTheRemedy() {
    Path tiny = TinyModel.decoder(folder, "llama");
    var few =
        new LanguageQuality(
            Loss.DIVERGENCE,
            new LanguageQuality.Texts(TEXT.substring(0, 1000), null, "little", WINDOW, 24));
    assertThatThrownBy(() -> optimize(tiny, few, 0.001))
        .isInstanceOf(TooFewTextsException.class)
        .hasMessageContaining("16 windows to choose by and 15 to report by")
        .hasMessageContaining("--window, now 32 tokens");
  }
}
