package dev.hone.compress.search;

import dev.hone.compress.ModelChecksum;
import dev.hone.compress.Pass;
import dev.hone.compress.Progress;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.RecipeException;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.measure.Objective;
import dev.hone.measure.Timing;
import dev.hone.measure.Workload;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Finds the best version of a model within a loss budget: tries each way of making it smaller,
 * measures what every group of layers loses in each format, and mixes them. Every candidate is
 * measured as it would be shipped (saved, loaded again, run), the best so far stands where the
 * result will, and a log keeps all that was measured, for a run that goes on.
 *
 * @param <S> the kind of models
 */
public final class Optimizer<S extends Subject<S>> {
  /** Of what a log holds; another one is not gone on with. */
  private static final String LOG = "2";

  private final Supplier<S> original;
  private final Quality<S> quality;
  private final Settings settings;
  private final Steps steps;

  /**
   * What is asked for.
   *
   * @param name of the model, as the user gave it
   * @param maxLoss the budget
   * @param plan how long speeds are measured
   * @param recipes what is tried and mixed; empty: all that Hone knows
   * @param trials candidates at most
   * @param time after which no other candidate is begun
   */
  public record Settings(
      String name,
      double maxLoss,
      Objective objective,
      Timing.Plan plan,
      List<Recipe> recipes,
      int trials,
      Duration time) {}

  /**
   * What was found.
   *
   * @param chosen the best candidate within the budget; where there is none, the one that loses
   *     least
   * @param withinBudget whether the chosen one keeps the budget on the texts to choose by
   * @param reason of the choice, in a sentence
   * @param notes what else is worth knowing, such as recipes that were not possible
   * @param workload that speed was measured on
   * @param kernels the tier of kernels that ran
   */
  public record Result(
      Trial original,
      List<Trial> candidates,
      Trial chosen,
      boolean withinBudget,
      String reason,
      List<String> notes,
      Workload workload,
      String kernels) {}

  /**
   * Prepares a search.
   *
   * @param original loads the model
   * @param progress told of every step
   */
  public Optimizer(
      Supplier<S> original, Quality<S> quality, Settings settings, Consumer<Progress> progress) {
    this.original = original;
    this.quality = quality;
    this.settings = settings;
    this.steps = new Steps(progress);
  }

  /** Runs the search, telling nobody before its end. */
  public Result run(Path target) throws IOException {
    return run(target, _ -> {});
  }

  /**
   * Runs the search.
   *
   * @param target the folder that the best candidate is written to, whenever there is a better one
   * @param soFar told what was found so far after every candidate
   */
  public Result run(Path target, Consumer<Result> soFar) throws IOException {
    ModelWriter.refuseForeign(target);
    try (S model = original.get();
        var pool = new ComputePool(model.threads());
        Arena arena = Arena.ofShared()) {
      Kernels kernels = model.tier().create(pool);
      List<Recipe> recipes = recipes(model, kernels);
      Path parent = target.toAbsolutePath().getParent();
      Files.createDirectories(parent);
      TrialLog log = TrialLog.open(TrialLog.beside(target), search(model, recipes, kernels));
      Path folder = parent.resolve("." + target.getFileName() + "-trials");
      ModelWriter.delete(folder); // of a run that was killed
      Files.createDirectory(folder);
      Thread stopped = Thread.ofPlatform().unstarted(() -> ModelWriter.deleteQuietly(folder));
      Runtime.getRuntime().addShutdownHook(stopped);
      try {
        var mixture = new Mixture(model.model().transformer());
        var trials =
            new Trials<>(model, kernels.name(), quality, settings, log, folder, target, soFar);
        steps.begin(mixture.groups().size() * recipes.size() / 2, 2 * recipes.size());
        quality.remember(model);
        model.notes().forEach(trials::note);
        steps.done(Steps.Kind.ORIGINAL, "the original");
        var calibration =
            new Calibration(
                quality.calibration(model), kernels, pool, _ -> {}, trials::note, Optional.empty());
        Map<Recipe, Pass.Outcome> made =
            uniform(recipes, model.model(), calibration, mixture, trials, arena);
        trials.remember(mixture.versions());
        new MixtureSearch<>(model, quality, mixture, recipes, settings, trials, log, steps).run();
        Result result = trials.end(mixture, made);
        steps.end();
        return result;
      } finally {
        ModelWriter.delete(folder);
        Runtime.getRuntime().removeShutdownHook(stopped);
      }
    }
  }

  private List<Recipe> recipes(S model, Kernels kernels) {
    for (Recipe recipe : settings.recipes()) {
      try {
        recipe
            .foresee(model.model().transformer(), true)
            .requireWritable(model.model().metadata().isPresent());
      } catch (RecipeException e) {
        throw new RecipeException("recipe " + recipe.name() + ": " + e.getMessage(), e);
      }
    }
    if (!settings.recipes().isEmpty()) {
      return settings.recipes();
    }
    List<Recipe> known = KnownRecipes.of(model.model(), kernels.multipliesBf16());
    if (known.isEmpty()) {
      throw new NothingPossibleException(
          "no format that Hone tries by itself makes "
              + settings.name()
              + " smaller than it is; name one with --recipe FILE");
    }
    return known;
  }

  /** Tries every recipe on all layers; answers what those made that were possible. */
  private Map<Recipe, Pass.Outcome> uniform(
      List<Recipe> recipes,
      Model model,
      Calibration calibration,
      Mixture mixture,
      Trials<S> trials,
      Arena arena)
      throws IOException {
    Map<Recipe, Pass.Outcome> made = new LinkedHashMap<>();
    for (Recipe recipe : recipes) {
      if (!trials.mayGoOn()) {
        break;
      }
      try {
        var outcome = recipe.apply(model.transformer(), calibration, arena);
        var provenance = Provenance.of(settings.name(), recipe, outcome.changes());
        if (trials.tried(recipe.name(), Map.of(), outcome.model(), provenance, null)) {
          made.put(recipe, outcome);
          if (!mixture.add(recipe.name(), outcome.model())) {
            trials.note(recipe.name() + " changes more than layers: it is not mixed with others");
          }
        }
      } catch (ArithmeticException
          | IllegalArgumentException
          | FormatException
          | RecipeException e) {
        // A type that cannot hold a weight, a layout that cannot hold a type, an answer of NaN.
        trials.note(recipe.name() + " was not possible: " + e.getMessage());
      }
      steps.done(Steps.Kind.CANDIDATE, recipe.name());
    }
    return made;
  }

  /** What all that is measured depends on. */
  private Map<String, String> search(S model, List<Recipe> recipes, Kernels kernels) {
    Map<String, String> search = new LinkedHashMap<>();
    search.put("log", LOG);
    search.put("model", ModelChecksum.of(model.model().transformer()));
    search.put("texts", quality.texts());
    search.put("loss", quality.lossMeaning());
    search.put("objective", settings.objective().label());
    search.put("recipes", String.join(", ", recipes.stream().map(Recipe::name).toList()));
    search.put("recipes' digest", Integer.toHexString(recipes.toString().hashCode()));
    search.put("timing", settings.plan().toString());
    search.put("kernels", kernels.name() + ", " + model.threads() + " threads");
    return search;
  }
}
