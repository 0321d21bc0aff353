package dev.hone.compress;

import dev.hone.compress.calibrate.Calibration;
import dev.hone.model.Transformer;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** Passes in the order in which they run, under one name. */
public record Recipe(String name, List<Pass> passes) {

  public Recipe {
    passes = List.copyOf(passes);
  }

  public static Recipe of(String name, Pass... passes) {
    return new Recipe(name, List.of(passes));
  }

  /** Runs all passes without looking at texts. */
  public Pass.Outcome apply(Transformer model, Arena arena) {
    return apply(model, Calibration.NONE, arena);
  }

  /**
   * Runs all passes.
   *
   * @param calibration texts that they may look at
   * @throws RecipeException where a pass could not work, before any of them runs
   */
  public Pass.Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    boolean texts = !calibration.batches().isEmpty();
    foresee(model, texts);
    Transformer result = model;
    List<LayerChange> changes = new ArrayList<>();
    for (int i = 0; i < passes.size(); i++) {
      Foreseen.of(result, texts).take(i, passes.get(i)); // knows which layers went
      Pass.Outcome outcome = passes.get(i).apply(result, calibration.ofPass(i), arena);
      result = outcome.model();
      changes.addAll(outcome.changes());
    }
    return new Pass.Outcome(result, changes);
  }

  /**
   * What all passes would make of a model.
   *
   * @param texts whether there are some to calibrate with
   * @throws RecipeException where one of them could not work
   */
  public Foreseen foresee(Transformer model, boolean texts) {
    Foreseen foreseen = Foreseen.of(model, texts);
    for (int i = 0; i < passes.size(); i++) {
      foreseen.take(i, passes.get(i));
    }
    return foreseen;
  }
}
