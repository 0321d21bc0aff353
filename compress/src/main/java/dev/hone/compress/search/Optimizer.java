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
  private final Quality<?> quality;
  private final List<String> workload;
  private final Settings settings;
  private final Steps steps;
  private final List<String> notes = new ArrayList<>();

  /**
   * What is asked for.
   *
   * @param name of the model, as the user gave it
   * @param maxLoss the budget
   * @param plan how long speeds are measured
   * @param recipes what is tried; empty: all that Hone knows, and a mixture of them
   */
  public record Settings(
      String name, double maxLoss, Objective objective, Timing.Plan plan, List<Recipe> recipes) {}

  /**
   * What was found.
   *
   * @param chosen the best candidate within the budget; where there is none, the one that loses
   *     least
   * @param withinBudget whether the chosen one keeps the budget on the texts to choose by
   * @param reason of the choice, in a sentence
   * @param notes what else is worth knowing, such as recipes that were not possible
   * @param kernels the tier of kernels that ran
   */
  public record Result(
      Trial original,
      List<Trial> candidates,
      Trial chosen,
      boolean withinBudget,
      String reason,
      List<String> notes,
      String kernels) {}

  /**
   * Prepares a search.
   *
   * @param original the model's folder or file
   * @param workload texts that those are drawn from that speed is measured on
   * @param progress told of every step
   */
  public Optimizer(
      Path original,
      EncoderOptions options,
      Quality<?> quality,
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
    Thread stopped = Thread.ofPlatform().unstarted(() -> ModelWriter.deleteQuietly(trials));
    Runtime.getRuntime().addShutdownHook(stopped);
    List<Candidate> candidates = new ArrayList<>();
    try (Encoder encoder = Encoder.load(original, options)) {
      tryAll(encoder, trials, candidates);
      List<Trial> measured = measureSpeed(encoder, candidates);
      steps.end();
      return choose(measured, encoder.kernels(), target);
    } finally {
      candidates.forEach(candidate -> candidate.encoder().close());
      ModelWriter.delete(trials);
      Runtime.getRuntime().removeShutdownHook(stopped);
    }
  }

  /** A candidate that is loaded, its speed not yet measured. */
  private record Candidate(
      Recipe recipe,
      Path folder,
      Encoder encoder,
      List<LayerChange> changes,
      Quality.Judgement choose,
      Quality.Judgement report) {}

  private void tryAll(Encoder encoder, Path trials, List<Candidate> candidates) throws IOException {
    boolean known = settings.recipes().isEmpty();
    var model = encoder.model().transformer();
    List<Recipe> recipes = new ArrayList<>(known ? KnownRecipes.of(model) : settings.recipes());
    List<LayerGroup> groups =
        known && KnownRecipes.fits(KnownRecipes.INT4, model) ? LayerGroup.of(model) : List.of();
    steps.begin(groups.size(), recipes.size() + (groups.isEmpty() ? 0 : 1));
    quality.remember(encoder);
    noteCuts(encoder);
    steps.done(Steps.Kind.CANDIDATE, "the original");
    if (!groups.isEmpty()) {
      mixture(encoder, groups).ifPresent(recipes::add);
    }
    for (Recipe recipe : recipes) {
      try {
        candidates.add(candidate(encoder, recipe, trials.resolve(recipe.name())));
      } catch (ArithmeticException | IllegalArgumentException e) {
        // A type that cannot hold a weight, a layout that cannot hold a type, an answer of NaN.
        notes.add(recipe.name() + " was not possible: " + e.getMessage());
      }
      steps.done(Steps.Kind.CANDIDATE, recipe.name());
    }
    if (candidates.isEmpty()) {
      throw new NothingPossibleException("no recipe was possible: " + String.join("; ", notes));
    }
  }

  private void noteCuts(Encoder encoder) {
    int limit = encoder.maxTokens();
    long cut =
        workload.stream().filter(text -> encoder.tokenizer().tokenCount(text) > limit).count();
    if (cut > 0) {
      notes.add(
          cut
              + " of the "
              + workload.size()
              + " texts to report by were cut to "
              + limit
              + " tokens, as the model reads them");
    }
  }

  private Optional<Recipe> mixture(Encoder encoder, List<LayerGroup> groups) {
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

  private Candidate candidate(Encoder encoder, Recipe recipe, Path folder) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      Pass.Outcome outcome = recipe.apply(encoder.model().transformer(), arena);
      List<LayerChange> changes = outcome.changes();
      ModelWriter.write(
          encoder.model(),
          outcome.model(),
          Provenance.of(settings.name(), recipe, changes),
          folder);
      // What there is to warn of was said when the original was loaded.
      Encoder saved = Encoder.load(folder, options.onWarning(_ -> {}));
      try {
        return new Candidate(
            recipe,
            folder,
            saved,
            changes,
            quality.of(saved, Part.CHOOSE),
            quality.of(saved, Part.REPORT));
      } catch (RuntimeException e) {
        saved.close();
        throw e;
      }
    }
  }

  /** The original first, then the candidates. */
  private List<Trial> measureSpeed(Encoder encoder, List<Candidate> candidates) {
    var encoders = new ArrayList<Encoder>();
    encoders.add(encoder);
    candidates.forEach(candidate -> encoders.add(candidate.encoder()));
    List<Speed> speeds =
        Speed.measure(
            Workload.of(workload, encoder::tokens, WORKLOAD_SEED),
            settings.plan(),
            encoders.stream().<Consumer<List<String>>>map(one -> one::answers).toList());
    var trials = new ArrayList<Trial>();
    trials.add(
        new Trial(
            "original",
            original,
            null,
            List.of(),
            encoder.model().weightFileBytes(),
            encoder.sizeBytes(),
            quality.ofOriginal(Part.CHOOSE),
            quality.ofOriginal(Part.REPORT),
            speeds.getFirst()));
    IntStream.range(0, candidates.size())
        .forEach(i -> trials.add(trial(candidates.get(i), speeds.get(i + 1))));
    return trials;
  }

  private Trial trial(Candidate candidate, Speed speed) {
    Encoder encoder = candidate.encoder();
    return new Trial(
        candidate.recipe().name(),
        candidate.folder(),
        candidate.recipe(),
        candidate.changes(),
        encoder.model().weightFileBytes(),
        encoder.sizeBytes(),
        candidate.choose(),
        candidate.report(),
        speed);
  }

  private Result choose(List<Trial> trials, String kernels, Path target) throws IOException {
    List<Trial> candidates = trials.subList(1, trials.size());
    var choice = new Choice(settings.objective(), settings.maxLoss());
    Trial chosen = choice.of(candidates);
    ModelWriter.writeProvenance(
        chosen.folder(),
        Provenance.of(settings.name(), chosen.recipe(), chosen.changes(), chosen.measured()));
    ModelWriter.move(chosen.folder(), target);
    return new Result(
        trials.getFirst(),
        candidates,
        chosen,
        choice.fits(chosen),
        choice.reason(chosen, candidates),
        List.copyOf(notes),
        kernels);
  }
}
