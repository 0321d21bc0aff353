package dev.hone.compress;

import dev.hone.compress.quantize.Awq;
import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.RoundInputs;
import dev.hone.compress.quantize.Rounding;
import dev.hone.compress.quantize.SmoothInputs;
import java.util.Map;

/** Every pass under the name that recipes call it by. */
final class Passes {
  private static final Map<String, Reader> BY_NAME =
      Map.of(
          Awq.NAME,
          (type, _, layers) -> Awq.read(type, layers),
          Encode.NAME,
          Encode::read,
          RoundInputs.NAME,
          (input, _, layers) -> RoundInputs.read(input, layers),
          SmoothInputs.NAME,
          (strength, _, layers) -> SmoothInputs.read(strength, layers));

  private Passes() {}

  /** Makes a pass from its fields in a recipe. */
  interface Reader {
    Pass read(String argument, Rounding rounding, LayerSelection layers);
  }

  static Map<String, Reader> byName() {
    return BY_NAME;
  }
}
