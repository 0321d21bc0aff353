package dev.hone.compress.quantize;

import dev.hone.compress.LayerSelection;
import dev.hone.compress.Pass;
import dev.hone.compress.RecipeException;
import dev.hone.compress.calibrate.Calibration;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
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
  public Outcome apply(Transformer model, Calibration calibration, Arena arena) {
    Transformer rounded =
        model.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                return layers.chooses(role, layer.weight().name()) ? rounded(layer) : layer;
              }
            });
    return new Outcome(rounded, List.of());
  }

  private Linear rounded(Linear layer) {
    if (layer.input() instanceof StaticInt8 grid && !grid.factors().none()) {
      throw new RecipeException(
          layer.weight().name()
              + " reads "
              + grid.label()
              + " and is divided by its columns' factors: it reads nothing else; take the model"
              + " that it was made from");
    }
    return layer.with(input);
  }
}
