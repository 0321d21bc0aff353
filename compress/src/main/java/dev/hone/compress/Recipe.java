package dev.hone.compress;

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

  /** Runs all passes. */
  public Pass.Outcome apply(Transformer model, Arena arena) {
    Transformer result = model;
    List<LayerChange> changes = new ArrayList<>();
    for (Pass pass : passes) {
      Pass.Outcome outcome = pass.apply(result, arena);
      result = outcome.model();
      changes.addAll(outcome.changes());
    }
    return new Pass.Outcome(result, changes);
  }
}
