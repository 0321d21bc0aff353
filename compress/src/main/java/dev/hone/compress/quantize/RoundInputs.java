package dev.hone.compress.quantize;

import dev.hone.compress.Foreseen;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.Input;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * Makes products of the chosen layers read their input in another way, such as rounded to 8 bits
 * token by token: with weights of int8 a channel they are products of integers then. Weights stay
 * what they are.
 */
public record RoundInputs(Input input, LayerSelection layers) implements Pass {
  /** What recipes call the pass. */
  public static final String NAME = "input";

  /** The pass as recipes write it: {@code input: dynamic-int8}. */
  public static RoundInputs read(String input, LayerSelection layers) {
    return new RoundInputs(Input.of(input), layers);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String argument() {
    return input.label();
  }

  @Override
  public void foresee(Foreseen model) {
    if (model.chosen(layers).stream().allMatch(Foreseen.Layer::isTable)) {
      throw new RecipeException("embeddings read no input: choose other kinds of layers");
    }
    model.change(layers, layer -> layer.isTable() ? layer : layer.reading(input));
  }

  @Override
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Transformer rounded =
        model.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                return layers.chooses(role, layer.weight().name()) ? layer.with(input) : layer;
              }
            });
    return new Outcome(rounded, List.of());
  }
}
