package dev.hone.compress;

import dev.hone.compress.quantize.Encode;
import dev.hone.compress.quantize.RoundInputs;
import java.util.Map;

/** Every pass under the name that recipes call it by. */
final class Passes {
  private static final Map<String, Reader> BY_NAME =
      Map.of(Encode.NAME, Encode::read, RoundInputs.NAME, RoundInputs::read);

  private Passes() {}

  /** Makes a pass from its fields in a recipe. */
  interface Reader {
    Pass read(String argument, LayerSelection layers);
  }

  static Map<String, Reader> byName() {
    return BY_NAME;
  }
}
