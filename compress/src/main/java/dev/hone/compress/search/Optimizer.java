package dev.hone.compress.search;

import dev.hone.compress.LayerChange;
import dev.hone.compress.Pass;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.search.Quality.Part;
import dev.hone.measure.Objective;
import dev.hone.measure.Speed;
import dev.hone.measure.Timing;
import dev.hone.measure.Workload;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Tries each way of making a model smaller, measures every candidate as it would be shipped (saved,
 * loaded again, run), and keeps the best within a loss budget.
 */
public final class Optimizer {
  private static final long WORKLOAD_SEED = 1;

  private final Path original;
  private final EncoderOptions options;
  private final Quality quality;
  private final List<String> workload;
  private final Settings settings;
  private final Steps steps;

  /**
   * What is asked for.
   *
   * @param maxLoss the budget
   * @param plan how long speeds are measured
   */
  public record Settings(double maxLoss, Objective objective, Timing.Plan plan) {}

  /**
   * What was found.
   *
   * @param chosen the best candidate within the budget; where there is none, the one that loses
   *     least
   * @param withinBudget whether the chosen one keeps the budget on the texts to choose by
   * @param reason of the choice, in a sentence
   * @param kernels the tier of kernels that ran
   */
  public record Result(
      Trial original,
      List<Trial> candidates,
      Trial chosen,
      boolean withinBudget,
      String reason,
      String kernels) {}

  /**
   * @param original the model's folder
   * @param workload texts that those are drawn from that speed is measured on
   * @param progress told of every step
   */
  public Optimizer(
      Path original,
      EncoderOptions options,
      Quality quality,
      List<String> workload,
      Settings settings,
      Consumer<Progress> progress) {
    this.original = original;
    this.options = options;
    this.quality = quality;
    this.workload = workload;
    this.settings = settings;
    this.steps = new Steps(progress);
  }

  /**
   * Runs the search.
   *
   * @param target the folder that the chosen candidate is written to
   */
  public Result run(Path target) throws IOException {
    ModelWriter.refuseForeign(target);
    Path parent = target.toAbsolutePath().getParent();
    Files.createDirectories(parent);
    Path trials = Files.createTempDirectory(parent, ".hone-trials-");
    List<Running> running = new ArrayList<>();
    try (Encoder encoder = Encoder.load(original, options)) {
      List<Recipe> recipes = new ArrayList<>(KnownRecipes.of(encoder.model().transformer()));
      List<LayerGroup> groups = LayerGroup.of(encoder.model().transformer());
      steps.begin(groups.size(), recipes.size() + 1);
      quality.remember(encoder);
      steps.done(Steps.Kind.CANDIDATE, "the original");
      mixed(encoder, groups).ifPresent(recipes::add);
      for (Recipe recipe : recipes) {
        running.add(candidate(encoder, recipe, trials.resolve(recipe.name())));
        steps.done(Steps.Kind.CANDIDATE, recipe.name());
      }
      List<Trial> measured = measureSpeed(encoder, running);
      steps.end();
      return choose(measured, encoder.kernels(), target);
    } finally {
      running.forEach(one -> one.encoder().close());
      ModelWriter.delete(trials);
    }
  }

  /** A candidate that is loaded, its speed not yet measured. */
  private record Running(
      String name,
      Path folder,
      Encoder encoder,
      List<LayerChange> changes,
      Quality.Judgement choose,
      Quality.Judgement report) {

    Trial trial(Speed speed) {
      return new Trial(
          name,
          folder,
          changes,
          encoder.model().weightFileBytes(),
          encoder.sizeBytes(),
          choose,
          report,
          speed);
    }
  }

  private Optional<Recipe> mixed(Encoder encoder, List<LayerGroup> groups) {
    if (!KnownRecipes.fits(KnownRecipes.INT4, encoder.model().transformer())) {
      return Optional.empty();
    }
    var search =
        new BlockSearch(
            KnownRecipes.INT4,
            KnownRecipes.INT8,
            KnownRecipes.EMBEDDING,
            recipe -> {
              double loss = sampleLoss(encoder, recipe);
              steps.done(Steps.Kind.GROUP, "which layers take 4 bits");
              return loss;
            });
    return search.find("int4-int8-mixed", groups, settings.maxLoss());
  }

  private double sampleLoss(Encoder encoder, Recipe recipe) {
    try (Arena arena = Arena.ofShared();
        Encoder changed =
            encoder.with(recipe.apply(encoder.model().transformer(), arena).model())) {
      return quality.of(changed, Part.SAMPLE).loss().value();
    }
  }

  private Running candidate(Encoder encoder, Recipe recipe, Path folder) throws IOException {
    List<LayerChange> changes;
    try (Arena arena = Arena.ofShared()) {
      Pass.Outcome outcome = recipe.apply(encoder.model().transformer(), arena);
      changes = outcome.changes();
      ModelWriter.write(
          encoder.model(),
          outcome.model(),
          Provenance.of(original.toString(), recipe, changes),
          folder);
    }
    Encoder saved = Encoder.load(folder, options);
    return new Running(
        recipe.name(),
        folder,
        saved,
        changes,
        quality.of(saved, Part.CHOOSE),
        quality.of(saved, Part.REPORT));
  }

  /** The original first, then the candidates. */
  private List<Trial> measureSpeed(Encoder encoder, List<Running> candidates) {
    var all = new ArrayList<Running>();
    all.add(
        new Running(
            "original",
            original,
            encoder,
            List.of(),
            quality.of(encoder, Part.CHOOSE),
            quality.of(encoder, Part.REPORT)));
    all.addAll(candidates);
    List<Speed> speeds =
        Speed.measure(
            Workload.of(workload, encoder::tokens, WORKLOAD_SEED),
            settings.plan(),
            all.stream().<Consumer<List<String>>>map(one -> one.encoder()::answers).toList());
    return IntStream.range(0, all.size()).mapToObj(i -> all.get(i).trial(speeds.get(i))).toList();
  }

  private Result choose(List<Trial> trials, String kernels, Path target) throws IOException {
    List<Trial> candidates = trials.subList(1, trials.size());
    var choice = new Choice(settings.objective(), settings.maxLoss());
    Trial chosen = choice.of(candidates);
    ModelWriter.move(chosen.folder(), target);
    return new Result(
        trials.getFirst(),
        candidates,
        chosen,
        choice.fits(chosen),
        choice.reason(chosen, candidates),
        kernels);
  }
}
