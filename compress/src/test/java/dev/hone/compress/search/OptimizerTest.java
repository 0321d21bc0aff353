package dev.hone.compress.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.compress.Compression;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Progress;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.TinyModel;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.measure.Fidelity;
import dev.hone.measure.Objective;
import dev.hone.measure.Timing;
import dev.hone.model.format.FormatException;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptimizerTest {
  private static final List<String> CHOOSE = TinyModel.texts(60, 1);
  private static final List<String> REPORT = TinyModel.texts(60, 2);
  private static final EncoderOptions OPTIONS = EncoderOptions.defaults().threads(2);

  @TempDir private Path folder;

  private final List<Progress> progress = new ArrayList<>();

  private Path tiny;
  private int trials = 14;

  @BeforeEach
  void copyModel() {
    tiny = TinyModel.in(folder);
  }

  private Optimizer.Result optimize(double maxLoss, Objective objective, Recipe... recipes)
      throws IOException {
    return optimize(
        tiny,
        new EmbeddingQuality(new Halves<>(CHOOSE, REPORT, "random words")),
        maxLoss,
        objective,
        recipes);
  }

  private Optimizer.Result optimize(
      Path model,
      Quality<EncoderSubject> quality,
      double maxLoss,
      Objective objective,
      Recipe... recipes)
      throws IOException {
    var settings =
        new Optimizer.Settings(
            "tiny",
            maxLoss,
            objective,
            new Timing.Plan(3, 20, Duration.ofMillis(20)),
            List.of(recipes),
            trials,
            Duration.ofMinutes(5));
    return new Optimizer<>(
            () -> EncoderSubject.load(model, OPTIONS, REPORT), quality, settings, progress::add)
        .run(folder.resolve("small"));
  }

  @Test
  void keepsTheSmallestWithinTheBudget() throws IOException {
    Optimizer.Result result = optimize(0.01, Objective.SIZE);
    assertThat(result.withinBudget()).isTrue();
    assertThat(result.chosen().choose().loss().high()).isLessThanOrEqualTo(0.01);
    assertThat(result.candidates())
        .filteredOn(t -> t.choose().loss().high() <= 0.01)
        .allSatisfy(
            t -> assertThat(t.bytesOnDisk()).isGreaterThanOrEqualTo(result.chosen().bytesOnDisk()));
    assertThat(result.chosen().bytesOnDisk())
        .isLessThan(result.original().bytesOnDisk() / 2)
        .isEqualTo(Files.size(folder.resolve("small/model.safetensors")));
  }

  @Test
  void whatIsReportedIsWhatWasSaved() throws IOException {
    Optimizer.Result result = optimize(0.05, Objective.SIZE);
    try (Encoder original = Encoder.load(tiny, OPTIONS);
        Encoder saved = Encoder.load(folder.resolve("small"), OPTIONS)) {
      Fidelity fidelity = Fidelity.of(original.embed(REPORT), saved.embed(REPORT));
      assertThat(fidelity.loss()).isCloseTo(result.chosen().report().loss().value(), within(1e-6));
    }
    try (var left = Files.list(folder)) {
      assertThat(left)
          .as("trials are removed")
          .containsExactlyInAnyOrder(
              tiny, folder.resolve("small"), folder.resolve("small.trials.jsonl"));
    }
  }

  @Test
  void saysWhereNothingIsWithinTheBudgetAndSavesTheBestAllTheSame() throws IOException {
    Optimizer.Result result = optimize(1e-12, Objective.THROUGHPUT);
    assertThat(result.withinBudget()).isFalse();
    assertThat(result.candidates())
        .allSatisfy(
            t ->
                assertThat(t.choose().loss().value())
                    .isGreaterThanOrEqualTo(result.chosen().choose().loss().value()));
    assertThat(folder.resolve("small/hone.json")).exists();
  }

  @Test
  void progressRisesToTheEnd() throws IOException {
    optimize(0.01, Objective.LATENCY);
    assertThat(progress).extracting(Progress::share).isSorted();
    assertThat(progress.getLast().share()).isEqualTo(1);
  }

  @Test
  void leavesFoldersOfOthersAlone() throws IOException {
    Path foreign = Files.createDirectory(folder.resolve("small"));
    Files.writeString(foreign.resolve("thesis.txt"), "years of work");
    assertThatThrownBy(() -> optimize(0.01, Objective.SIZE))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("was not written by Hone");
    assertThat(foreign.resolve("thesis.txt")).exists();
  }

  @Test
  void whatIsSavedSaysWhereItComesFromAndWhatWasMeasured() throws IOException {
    Optimizer.Result result = optimize(0.05, Objective.SIZE);
    JsonNode said = new JsonMapper().readTree(folder.resolve("small/hone.json").toFile());
    assertThat(said.at("/parent").asText()).isEqualTo("tiny");
    assertThat(said.at("/recipe/name").asText()).isEqualTo(result.chosen().name());
    assertThat(said.at("/recipe").toString()).contains("\"encode\":\"int4");
    assertThat(said.at("/measured/loss").asDouble())
        .isEqualTo(result.chosen().report().loss().value());
    assertThat(said.at("/layers")).isNotEmpty();
  }

  /** Of Hone's own: static grids are found before weights are integers. */
  @Test
  void aRecipeThatIsNotPossibleIsNotedAndTheRestGoesOn() throws IOException {
    Recipe int8 = Recipe.of("int8", new Encode(DType.of("int8-channel"), LayerSelection.blocks()));
    Path integers = folder.resolve("integers");
    new Compression(tiny, "tiny", int8, integers)
        .run(Compression.Texts.NONE, 2, KernelTier.select(Optional.empty()).tier(), _ -> {});
    trials = 4;
    var quality = new EmbeddingQuality(new Halves<>(CHOOSE, REPORT, "random words"));
    Optimizer.Result result = optimize(integers, quality, 0.01, Objective.SIZE);
    assertThat(result.candidates()).hasSize(4);
    assertThat(result.notes())
        .anySatisfy(
            note ->
                assertThat(note)
                    .startsWith("int8-channel-static-int8 was not possible: passes[0] input: ")
                    .contains("put it before encode"));
  }

  @Test
  void aRecipeThatCannotWorkIsToldBeforeTheOriginalIsAsked() {
    Recipe late =
        Recipe.of(
            "late",
            new Encode(DType.of("int8-channel"), LayerSelection.blocks()),
            new StaticInputs(LayerSelection.blocks()));
    Recipe int8 = Recipe.of("int8", new Encode(DType.of("int8-channel"), LayerSelection.blocks()));
    assertThatThrownBy(() -> optimize(0.01, Objective.SIZE, int8, late))
        .isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("recipe late: passes[1] input: encoder.layer.0")
        .hasMessageEndingWith("put it before encode");
    Recipe blocks = Recipe.of("blocks", new Encode(Block.Q8_0, LayerSelection.blocks()));
    assertThatThrownBy(() -> optimize(0.01, Objective.SIZE, blocks))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("has no such blocks");
    assertThat(progress).isEmpty();
    assertThat(folder).isDirectoryNotContaining("glob:**small*");
  }

  /** A search that fails before anything is measured leaves no log. */
  @Test
  void nothingMeasuredLeavesNothing() {
    var settings =
        new Optimizer.Settings(
            "tiny",
            0.01,
            Objective.SIZE,
            new Timing.Plan(3, 20, Duration.ofMillis(20)),
            List.of(),
            trials,
            Duration.ofMinutes(5));
    var optimizer =
        new Optimizer<>(
            () -> EncoderSubject.load(tiny, OPTIONS, REPORT),
            new EmbeddingQuality(new Halves<>(CHOOSE, REPORT, "random words")),
            settings,
            step -> {
              throw new IllegalStateException("stopped at " + step.what());
            });
    assertThatThrownBy(() -> optimizer.run(folder.resolve("small")))
        .hasMessageStartingWith("stopped at");
    assertThat(folder).isDirectoryNotContaining("glob:**small*");
  }

  @Test
  void classifiersAreJudgedByTheirAnswers() throws IOException {
    Path classifier = TinyModel.in(folder, "classify-one-of-three");
    var quality = new AnswerQuality(new Halves<>(CHOOSE, REPORT, "random words"));
    Optimizer.Result result = optimize(classifier, quality, 0.01, Objective.SIZE);
    assertThat(result.original().report().loss().value()).isZero();
    assertThat(result.withinBudget()).isTrue();
    assertThat(result.candidates())
        .allSatisfy(t -> assertThat(t.choose().loss().value()).isPositive());
    assertThat(result.chosen().report().metrics()).containsKey("changed answers");
  }

  @Test
  void mixesFormatsBeyondTheBestSingleOne() throws IOException {
    Optimizer.Result result = optimize(0.0002, Objective.SIZE);
    assertThat(result.chosen().name()).startsWith("mixed-");
    assertThat(result.chosen().predicted()).isPositive();
    assertThat(result.candidates())
        .filteredOn(t -> t.assignment().isEmpty() && t.choose().loss().high() <= 0.0002)
        .isNotEmpty()
        .allSatisfy(t -> assertThat(t.bytesOnDisk()).isGreaterThan(result.chosen().bytesOnDisk()));
    JsonNode said = new JsonMapper().readTree(folder.resolve("small/hone.json").toFile());
    assertThat(said.at("/recipe/groups/embeddings").asText())
        .isEqualTo(result.chosen().assignment().get("embeddings"));
    assertThat(said.at("/recipe/recipes")).isNotEmpty();
  }

  /** As where it is killed while it writes a line. */
  @Test
  void goesOnBehindTheLastWholeLineOfItsLog() throws IOException {
    trials = 3;
    Optimizer.Result first = optimize(0.01, Objective.SIZE);
    assertThat(first.candidates()).hasSize(3);
    assertThat(first.notes()).anySatisfy(n -> assertThat(n).contains("stopped by --time"));
    Path log = folder.resolve("small.trials.jsonl");
    List<String> lines = Files.readAllLines(log);
    Files.writeString(log, "{\"trial\": {\"na", StandardOpenOption.APPEND);
    trials = 6;
    Optimizer.Result second = optimize(0.01, Objective.SIZE);
    assertThat(second.candidates()).hasSize(6);
    assertThat(Files.readAllLines(log)).startsWith(lines.toArray(String[]::new)).hasSize(7);
    for (int i = 0; i < 3; i++) {
      assertThat(second.candidates().get(i).choose()).isEqualTo(first.candidates().get(i).choose());
    }
  }

  @Test
  void refusesTheLogOfAnotherSearch() throws IOException {
    trials = 1;
    optimize(0.01, Objective.SIZE);
    assertThatThrownBy(() -> optimize(0.01, Objective.LATENCY))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("objective is size, not latency");
  }

  @Test
  void anotherBudgetGoesOnWithTheSameLog() throws IOException {
    Optimizer.Result first = optimize(0.0002, Objective.SIZE);
    trials = 40;
    Optimizer.Result second = optimize(0.01, Objective.SIZE);
    assertThat(second.candidates()).extracting(Trial::name).doesNotHaveDuplicates();
    for (int i = 0; i < first.candidates().size(); i++) {
      assertThat(second.candidates().get(i).choose()).isEqualTo(first.candidates().get(i).choose());
    }
    assertThat(second.candidates()).hasSizeGreaterThan(first.candidates().size());
    assertThat(second.chosen().bytesOnDisk()).isLessThan(first.chosen().bytesOnDisk());
  }
}
