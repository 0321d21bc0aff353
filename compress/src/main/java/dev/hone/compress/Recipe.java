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
   * @throws RecipeException where a pass chooses no layer, or names some that are not there
   */
  public Pass.Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Transformer result = model;
    List<LayerChange> changes = new ArrayList<>();
    for (int i = 0; i < passes.size(); i++) {
      passes.get(i).layers().required(result);
      Pass.Outcome outcome = passes.get(i).apply(result, calibration.ofPass(i), arena);
      result = outcome.model();
      changes.addAll(outcome.changes());
    }
    return new Pass.Outcome(result, changes);
  }
}
