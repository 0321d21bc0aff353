package dev.hone.compress;

import dev.hone.compress.prune.JoinHeads;
import dev.hone.compress.prune.Prune;
import dev.hone.compress.prune.Remove;
import dev.hone.compress.prune.RemoveLayers;
import dev.hone.compress.quantize.Awq;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.Mix;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.SmoothInputs;
import dev.hone.compress.quantize.StaticInputs;
import dev.hone.tensor.Input.StaticInt8;
import java.util.Map;
import java.util.Set;

/** Every pass under the name that recipes call it by. */
final class Passes {
  private static final Map<String, Kind> BY_NAME =
      Map.of(
          Awq.NAME,
          new Kind(Set.of(), (type, _, layers) -> Awq.read(type, layers)),
          Encode.NAME,
          new Kind(
              Rounding.FIELDS,
              (type, fields, layers) -> Encode.read(type, Rounding.read(fields), layers)),
          JoinHeads.NAME,
          new Kind(Set.of(), (kvHeads, _, layers) -> JoinHeads.read(kvHeads, layers)),
          Mix.NAME,
          new Kind(Rounding.FIELDS, Mix::read),
          Prune.NAME,
          new Kind(Prune.FIELDS, Prune::read),
          Remove.NAME,
          new Kind(Remove.FIELDS, Remove::read),
          RemoveLayers.NAME,
          new Kind(RemoveLayers.FIELDS, RemoveLayers::read),
          RoundInputs.NAME,
          new Kind(StaticInputs.FIELDS, Passes::inputs),
          SmoothInputs.NAME,
          new Kind(Set.of(), (strength, _, layers) -> SmoothInputs.read(strength, layers)));

  private Passes() {}

  private static Pass inputs(String input, RecipeFields fields, LayerSelection layers) {
    if (input.equals(StaticInt8.LABEL)) {
      return StaticInputs.read(fields, layers);
    }
    for (String field : StaticInputs.FIELDS) {
      if (fields.has(field)) {
        throw new IllegalArgumentException(
            field + " belongs to " + StaticInt8.LABEL + ", not to " + input);
      }
    }
    try {
      return RoundInputs.read(input, layers);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(e.getMessage() + ", " + StaticInt8.LABEL, e);
    }
  }

  /**
   * A kind of pass.
   *
   * @param fields that it may have in a recipe beside its argument and its layers
   */
  record Kind(Set<String> fields, Reader reader) {}

  /** Makes a pass from what a recipe says. */
  @FunctionalInterface
  interface Reader {
    Pass read(String argument, RecipeFields fields, LayerSelection layers);
  }

  static Map<String, Kind> byName() {
    return BY_NAME;
  }
}
