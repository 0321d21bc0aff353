package dev.hone.compress.search;

import dev.hone.compress.LayerChange;
import dev.hone.compress.Pass;
import dev.hone.compress.Progress;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.search.Quality.Part;
import dev.hone.measure.Objective;
import dev.hone.measure.Speed;
import dev.hone.measure.Timing;
import dev.hone.measure.Workload;
import dev.hone.model.Transformer;
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
    try (Encoder encoder = Encoder.load(original, options)) {
      List<Trial> candidates = tryAll(encoder, trials);
      steps.end();
      return choose(encoder, candidates, target);
    } finally {
      ModelWriter.delete(trials);
      Runtime.getRuntime().removeShutdownHook(stopped);
    }
  }

  private List<Trial> tryAll(Encoder encoder, Path trials) throws IOException {
    boolean known = settings.recipes().isEmpty();
    var model = encoder.model().transformer();
    List<Recipe> recipes = new ArrayList<>(known ? KnownRecipes.of(model) : settings.recipes());
    List<LayerGroup> groups =
        known && KnownRecipes.fits(KnownRecipes.INT4, model) ? LayerGroup.of(model) : List.of();
    steps.begin(groups.size(), recipes.size() + (groups.isEmpty() ? 0 : 1));
    quality.remember(encoder);
    noteCuts(encoder);
    steps.done(Steps.Kind.ORIGINAL, "the original");
    if (!groups.isEmpty()) {
      mixture(encoder, groups).ifPresent(recipes::add);
    }
    Workload drawn = Workload.of(workload, encoder::tokens, WORKLOAD_SEED);
    List<Trial> candidates = new ArrayList<>();
    for (Recipe recipe : recipes) {
      try {
        candidates.add(candidate(encoder, recipe, drawn, trials.resolve(recipe.name())));
      } catch (ArithmeticException | IllegalArgumentException e) {
        // A type that cannot hold a weight, a layout that cannot hold a type, an answer of NaN.
        notes.add(recipe.name() + " was not possible: " + e.getMessage());
      }
      steps.done(Steps.Kind.CANDIDATE, recipe.name());
    }
    if (candidates.isEmpty()) {
      throw new NothingPossibleException("no recipe was possible: " + String.join("; ", notes));
    }
    return candidates;
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
    try (Arena arena = Arena.ofShared()) {
      var mixture =
          new Mixture(
              encoder.model().transformer(),
              KnownRecipes.uniform(KnownRecipes.INT4, KnownRecipes.EMBEDDING),
              KnownRecipes.uniform(KnownRecipes.INT8, KnownRecipes.EMBEDDING),
              arena);
      var search =
          new BlockSearch(
              KnownRecipes.INT4,
              KnownRecipes.INT8,
              KnownRecipes.EMBEDDING,
              lowered -> {
                double loss = sampleLoss(encoder, mixture.of(lowered));
                steps.done(Steps.Kind.GROUP, "which layers take 4 bits");
                return loss;
              });
      return search.find("int4-int8-mixed", groups, settings.maxLoss());
    }
  }

  private double sampleLoss(Encoder encoder, Transformer model) {
    try (Encoder changed = encoder.with(model)) {
      return quality.of(changed, Part.SAMPLE).loss().value();
    }
  }

  /** Makes, saves and measures a candidate; none but it and the original is loaded then. */
  private Trial candidate(Encoder encoder, Recipe recipe, Workload drawn, Path folder)
      throws IOException {
    List<LayerChange> changes = save(encoder, recipe, folder);
    // What there is to warn of was said when the original was loaded.
    try (Encoder saved = Encoder.load(folder, options.onWarning(_ -> {}))) {
      Quality.Judgement choose = quality.of(saved, Part.CHOOSE);
      Quality.Judgement report = quality.of(saved, Part.REPORT);
      List<Speed> speeds =
          Speed.measure(drawn, settings.plan(), List.of(encoder::answers, saved::answers));
      return new Trial(
          recipe.name(),
          folder,
          recipe,
          changes,
          saved.model().weightFileBytes(),
          saved.sizeBytes(),
          choose,
          report,
          speeds.getLast(),
          speeds.getFirst());
    }
  }

  private List<LayerChange> save(Encoder encoder, Recipe recipe, Path folder) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      Pass.Outcome outcome = recipe.apply(encoder.model().transformer(), arena);
      ModelWriter.write(
          encoder.model(),
          outcome.model(),
          Provenance.of(settings.name(), recipe, outcome.changes()),
          folder);
      return outcome.changes();
    }
  }

  private Result choose(Encoder encoder, List<Trial> tried, Path target) throws IOException {
    Speed usual = Speed.pooled(tried.stream().map(Trial::beside).toList());
    List<Trial> candidates = tried.stream().map(trial -> trial.corrected(usual)).toList();
    var choice = new Choice(settings.objective(), settings.maxLoss());
    Trial chosen = choice.of(candidates);
    ModelWriter.writeProvenance(
        chosen.folder(),
        Provenance.of(settings.name(), chosen.recipe(), chosen.changes(), chosen.measured()));
    ModelWriter.move(chosen.folder(), target);
    return new Result(
        original(encoder, usual),
        candidates,
        chosen,
        choice.fits(chosen),
        choice.reason(chosen, candidates),
        List.copyOf(notes),
        encoder.kernels());
  }

  private Trial original(Encoder encoder, Speed usual) {
    return new Trial(
        "original",
        original,
        null,
        List.of(),
        encoder.model().weightFileBytes(),
        encoder.sizeBytes(),
        quality.ofOriginal(Part.CHOOSE),
        quality.ofOriginal(Part.REPORT),
        usual,
        usual);
  }
}
