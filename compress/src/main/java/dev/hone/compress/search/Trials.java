package dev.hone.compress.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.compress.GgufOutput;
import dev.hone.compress.LayerChange;
import dev.hone.compress.Pass;
import dev.hone.compress.Provenance;
import dev.hone.compress.Recipe;
import dev.hone.compress.search.Optimizer.Result;
import dev.hone.compress.search.Optimizer.Settings;
import dev.hone.compress.search.Quality.Part;
import dev.hone.measure.Speed;
import dev.hone.model.Transformer;
import dev.hone.model.folder.ModelWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** The candidates of a search: makes and measures them, and keeps the best where it belongs. */
final class Trials<S extends Subject<S>> {
  private final S original;
  private final String kernels;
  private final Quality<S> quality;
  private final Settings settings;
  private final Choice choice;
  private final TrialLog log;
  private final Path folder;
  private final Path target;
  private final Consumer<Result> soFar;
  private final long end;
  private final List<Trial> all = new ArrayList<>();
  private final Set<String> notes = new LinkedHashSet<>();
  private boolean stopped;
  private String written; // name of the trial that stands in the target; null: none of this run's

  /**
   * @param original the model that is made smaller
   * @param kernels the tier that runs
   */
  Trials(
      S original,
      String kernels,
      Quality<S> quality,
      Settings settings,
      TrialLog log,
      Path folder,
      Path target,
      Consumer<Result> soFar) {
    this.original = original;
    this.kernels = kernels;
    this.quality = quality;
    this.settings = settings;
    this.choice = new Choice(settings.objective(), settings.maxLoss(), quality.unit());
    this.log = log;
    this.folder = folder;
    this.target = target;
    this.soFar = soFar;
    this.end = System.nanoTime() + settings.time().toNanos();
  }

  List<Trial> all() {
    return all;
  }

  /** Once, however many recipes say it. */
  void note(String note) {
    notes.add(note);
  }

  /** Whether there is time for another one; the first is always made. */
  boolean mayGoOn() {
    if (!all.isEmpty() && (all.size() >= settings.trials() || System.nanoTime() > end)) {
      stopped = true;
    }
    return !stopped;
  }

  /** How many times as long as the original a candidate took. */
  double relative(Trial trial) {
    return choice.relative(trial);
  }

  /** Takes in the mixtures that the log has of recipes that were possible again. */
  void remember(Set<String> recipes) {
    log.mixtures().stream()
        .filter(t -> recipes.containsAll(t.assignment().values()))
        .forEach(all::add);
  }

  /** The name of a mixture that was tried already. */
  Optional<String> mixture(Map<String, String> assignment) {
    return all.stream().filter(t -> t.assignment().equals(assignment)).map(Trial::name).findFirst();
  }

  /** For the next mixture. */
  String newName() {
    return "mixed-" + (log.mixtures().size() + 1);
  }

  /** Whether a candidate that was tried keeps the budget, beside all others. */
  boolean fits(String name) {
    return choice.fitting(all).stream().anyMatch(t -> t.name().equals(name));
  }

  /**
   * Tries a candidate, unless the log has it or there is no time.
   *
   * @param predicted how many times as long as the original it should take; null: measure every
   *     layer of it instead
   * @return whether it was tried
   */
  boolean tried(
      String name,
      Map<String, String> assignment,
      Transformer model,
      ObjectNode provenance,
      Double predicted)
      throws IOException {
    Optional<Trial> known = log.trial(name);
    if (known.isPresent()) {
      all.add(known.get());
      return true;
    }
    if (!mayGoOn()) {
      return false;
    }
    Path made = folder.resolve(name);
    write(model, provenance, made);
    Trial trial = measured(name, assignment, made, predicted);
    all.add(trial);
    log.add(trial);
    if (choice.of(all).name().equals(name)) {
      provenance.set("measured", json(trial));
      ModelWriter.writeProvenance(made, provenance);
      ModelWriter.move(made, target);
      written = name;
    } else {
      ModelWriter.delete(made);
    }
    soFar.accept(result());
    return true;
  }

  /** In a folder, as what the original was: safetensors, or a GGUF file. */
  private void write(Transformer model, ObjectNode provenance, Path into) throws IOException {
    if (original.model().metadata().isPresent()) {
      GgufOutput.writeFolder(original.model(), model, provenance, into);
    } else {
      ModelWriter.write(original.model(), model, provenance, into);
    }
  }

  /** None but a candidate and the original is loaded while it is measured. */
  private Trial measured(String name, Map<String, String> assignment, Path made, Double predicted) {
    try (S saved = original.load(made)) {
      Quality.Judgement choose = quality.of(saved, Part.CHOOSE);
      Quality.Judgement report = quality.of(saved, Part.REPORT);
      List<Speed> speeds = Speed.measure(settings.plan(), List.of(original.work(), saved.work()));
      return new Trial(
          name,
          assignment,
          saved.model().weightFileBytes(),
          saved.sizeBytes(),
          choose,
          report,
          speeds.getLast(),
          speeds.getFirst(),
          predicted == null ? layers(saved) : null,
          predicted);
    }
  }

  private LayerTimes.Shares layers(S saved) {
    return LayerTimes.of(
        settings.plan(),
        LayerTimes.Timed.of(original, settings.objective()),
        LayerTimes.Timed.of(saved, settings.objective()));
  }

  private Result result() {
    Speed usual = Speed.pooled(all.stream().map(Trial::beside).toList());
    List<Trial> candidates = all.stream().map(trial -> trial.corrected(usual)).toList();
    Trial chosen = choice.of(candidates);
    List<String> said = new ArrayList<>(notes);
    choice.tooFew(candidates).ifPresent(said::add);
    if (stopped) {
      said.add("the search was stopped by --time or --trials; the same command goes on with more");
    }
    return new Result(
        unchanged(usual),
        candidates,
        chosen,
        choice.fitting(candidates).contains(chosen),
        choice.reason(chosen, candidates),
        List.copyOf(said),
        original.workload(),
        kernels);
  }

  /**
   * Writes the one that is chosen in the end, where it does not stand there yet.
   *
   * @param made what became of the model, by recipe
   */
  Result end(Mixture mixture, Map<Recipe, Pass.Outcome> made) throws IOException {
    if (all.isEmpty()) {
      throw new NothingPossibleException("no recipe was possible: " + String.join("; ", notes));
    }
    Result result = result();
    Trial chosen = result.chosen();
    Transformer model;
    ObjectNode provenance;
    if (chosen.assignment().isEmpty()) {
      Recipe recipe =
          made.keySet().stream()
              .filter(r -> r.name().equals(chosen.name()))
              .findFirst()
              .orElseThrow();
      model = made.get(recipe).model();
      provenance = Provenance.of(settings.name(), recipe, made.get(recipe).changes());
    } else {
      model = mixture.of(chosen.assignment());
      provenance =
          provenance(chosen.name(), chosen.assignment(), List.copyOf(made.keySet()), model);
    }
    provenance.set("measured", json(chosen));
    if (chosen.name().equals(written)) {
      ModelWriter.writeProvenance(target, provenance);
    } else {
      write(model, provenance, target);
    }
    soFar.accept(result);
    return result;
  }

  /** Where a mixture comes from. */
  ObjectNode provenance(
      String name, Map<String, String> assignment, List<Recipe> recipes, Transformer model) {
    return Provenance.of(
        settings.name(),
        name,
        assignment,
        recipes,
        LayerChange.between(original.model().transformer(), model));
  }

  private JsonNode json(Trial trial) {
    return Provenance.json(trial.measured(original.workload()));
  }

  private Trial unchanged(Speed usual) {
    return new Trial(
        "original",
        Map.of(),
        original.model().weightFileBytes(),
        original.sizeBytes(),
        quality.ofOriginal(Part.CHOOSE),
        quality.ofOriginal(Part.REPORT),
        usual,
        usual,
        null,
        null);
  }
}
