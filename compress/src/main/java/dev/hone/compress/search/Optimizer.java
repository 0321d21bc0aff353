package dev.hone.compress.search;

import dev.hone.compress.Pass;
import dev.hone.compress.Progress;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.compress.calibrate.CalibrationTexts;
import dev.hone.measure.Objective;
import dev.hone.measure.Timing;
import dev.hone.measure.Workload;
import dev.hone.model.Transformer;
import dev.hone.model.Weight;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * Finds the best version of a model within a loss budget: tries each way of making it smaller,
 * measures what every group of layers loses in each format, and mixes them. Every candidate is
 * measured as it would be shipped (saved, loaded again, run), the best so far stands where the
 * result will, and a log keeps all that was measured, for a run that goes on.
 */
public final class Optimizer {
  private static final long WORKLOAD_SEED = 1;
  private static final long CHUNK_BYTES = 1 << 28;

  /** Texts that calibrated recipes look at. */
  private static final int CALIBRATION_TEXTS = 256;

  /** Of each of them. */
  private static final int CALIBRATION_TOKENS = 128;

  private final Path original;
  private final EncoderOptions options;
  private final Quality<?> quality;
  private final List<String> workload;
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
    Path parent = target.toAbsolutePath().getParent();
    Files.createDirectories(parent);
    try (Encoder encoder = Encoder.load(original, options);
        Arena arena = Arena.ofShared()) {
      Transformer model = encoder.model().transformer();
      List<Recipe> recipes =
          settings.recipes().isEmpty()
              ? KnownRecipes.of(model, encoder.multipliesBf16())
              : settings.recipes();
      TrialLog log = TrialLog.open(TrialLog.beside(target), search(encoder, recipes));
      Path folder = parent.resolve("." + target.getFileName() + "-trials");
      ModelWriter.delete(folder); // of a run that was killed
      Files.createDirectory(folder);
      Thread stopped = Thread.ofPlatform().unstarted(() -> ModelWriter.deleteQuietly(folder));
      Runtime.getRuntime().addShutdownHook(stopped);
      try {
        var mixture = new Mixture(model);
        var trials =
            new Trials(
                new Trials.Original(original, encoder, options),
                quality,
                Workload.of(workload, encoder::tokens, WORKLOAD_SEED),
                settings,
                log,
                folder,
                target,
                soFar);
        steps.begin(mixture.groups().size() * recipes.size() / 2, 2 * recipes.size());
        quality.remember(encoder);
        noteCuts(encoder, trials);
        steps.done(Steps.Kind.ORIGINAL, "the original");
        Map<Recipe, Pass.Outcome> made = uniform(recipes, encoder, mixture, trials, arena);
        trials.remember(mixture.versions());
        new MixtureSearch(encoder, quality, mixture, recipes, settings, trials, log, steps).run();
        Result result = trials.end(mixture, made);
        steps.end();
        return result;
      } finally {
        ModelWriter.delete(folder);
        Runtime.getRuntime().removeShutdownHook(stopped);
      }
    }
  }

  /** Tries every recipe on all layers; answers what those made that were possible. */
  private Map<Recipe, Pass.Outcome> uniform(
      List<Recipe> recipes, Encoder encoder, Mixture mixture, Trials trials, Arena arena)
      throws IOException {
    Map<Recipe, Pass.Outcome> made = new LinkedHashMap<>();
    try (var pool = new ComputePool(options.threads())) {
      Kernels kernels = KernelTier.select(options.kernels()).tier().create(pool);
      var calibration =
          new Calibration(
              CalibrationTexts.texts(
                  quality.calibrationTexts(),
                  CALIBRATION_TEXTS,
                  encoder.tokenizer(),
                  Math.min(CALIBRATION_TOKENS, encoder.maxTokens())),
              kernels,
              pool,
              _ -> {},
              Optional.empty());
      for (Recipe recipe : recipes) {
        if (!trials.mayGoOn()) {
          break;
        }
        try {
          var outcome = recipe.apply(encoder.model().transformer(), calibration, arena);
          var provenance = Provenance.of(settings.name(), recipe, outcome.changes());
          if (trials.tried(recipe.name(), Map.of(), outcome.model(), provenance, null)) {
            made.put(recipe, outcome);
            mixture.add(recipe.name(), outcome.model());
          }
        } catch (ArithmeticException | IllegalArgumentException e) {
          // A type that cannot hold a weight, a layout that cannot hold a type, an answer of NaN.
          trials.note(recipe.name() + " was not possible: " + e.getMessage());
        }
        steps.done(Steps.Kind.CANDIDATE, recipe.name());
      }
    }
    return made;
  }

  /** What all that is measured depends on. */
  private Map<String, String> search(Encoder encoder, List<Recipe> recipes) {
    Map<String, String> search = new LinkedHashMap<>();
    search.put("model", checksum(encoder.model().transformer()));
    search.put("texts", quality.texts());
    search.put("loss", quality.lossMeaning());
    search.put("objective", settings.objective().label());
    search.put("recipes", String.join(", ", recipes.stream().map(Recipe::name).toList()));
    search.put("recipes' digest", Integer.toHexString(recipes.toString().hashCode()));
    search.put("timing", settings.plan().toString());
    search.put("kernels", encoder.kernels() + ", " + options.threads() + " threads");
    return search;
  }

  private static String checksum(Transformer model) {
    var sum = new CRC32C();
    for (Weight weight : model.weights()) {
      MemorySegment data = weight.tensor().data();
      for (long at = 0; at < data.byteSize(); at += CHUNK_BYTES) {
        sum.update(data.asSlice(at, Math.min(CHUNK_BYTES, data.byteSize() - at)).asByteBuffer());
      }
    }
    return Long.toHexString(sum.getValue());
  }

  private void noteCuts(Encoder encoder, Trials trials) {
    int limit = encoder.maxTokens();
    long cut =
        workload.stream().filter(text -> encoder.tokenizer().tokenCount(text) > limit).count();
    if (cut > 0) {
      trials.note(
          cut
              + " of the "
              + workload.size()
              + " texts to report by were cut to "
              + limit
              + " tokens, as the model reads them");
    }
  }
}
