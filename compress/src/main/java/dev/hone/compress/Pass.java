package dev.hone.compress;

import dev.hone.compress.calibrate.Calibration;
import dev.hone.model.Transformer;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;

/**
 * A change of a model: a new record tree beside what was done to every layer. Nothing is mutated.
 */
public interface Pass {

  /** What recipes call it. */
  String name();

  /** What recipes write behind the name. */
  String argument();

  /** What recipes write beside that where it is not as usual: numbers, truths and texts. */
  default Map<String, Object> fields() {
    return Map.of();
  }

  /** The layers it touches. */
  LayerSelection layers();

  /**
   * What it would do, asked before any pass of its recipe runs, and again when it is its turn:
   * takes in what layers become and how they read their input.
   *
   * @throws RecipeException where it could not work: names the first layer concerned, and what to
   *     do
   */
  void foresee(Foreseen model);

  /** Makes the new model without looking at texts. */
  default Outcome apply(Transformer model, Arena arena) {
    return apply(model, Calibration.NONE, arena);
  }

  /**
   * Makes the new model of one that {@link #foresee} took.
   *
   * @param calibration texts that it may look at
   * @param arena memory of the new weights; those that did not change are shared, so the model's
   *     own memory must live as long
   */
  Outcome apply(Transformer model, Calibration calibration, Arena arena);

  /** The new model, and what became of every layer that the pass touched. */
  record Outcome(Transformer model, List<LayerChange> changes) {}
}
