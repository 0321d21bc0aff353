package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/** Products by tiles, and what makes rows ready for them. */
final class Tiles {
  private final Map<AmxForm, AmxProductKernel> products = new EnumMap<>(AmxForm.class);
  private final Map<AmxForm, AmxRowsKernel> rows = new EnumMap<>(AmxForm.class);
  private final Map<AmxForm, SparseTilesKernel> sparse = new EnumMap<>(AmxForm.class);
  private final Map<Input, AmxRoundingKernel> rounding = new HashMap<>();
  private final AmxRoundingKernel staticRounding = new AmxRoundingKernel(StaticInt8.of(0, 0));

  Tiles() {
    for (AmxForm form : AmxForm.values()) {
      products.put(form, new AmxProductKernel(form));
      if (form != AmxForm.INT8) {
        rows.put(form, new AmxRowsKernel(form));
      }
    }
    for (AmxForm form : SparseTilesKernel.FORMS) {
      sparse.put(form, new SparseTilesKernel(form));
    }
    for (Input input : Input.Kind.values()) {
      if (input.ofRows()) {
        rounding.put(input, new AmxRoundingKernel(input));
      }
    }
  }

  AmxProductKernel product(AmxForm form) {
    return products.get(form);
  }

  /** Of floats. */
  AmxRowsKernel rows(AmxForm form) {
    return rows.get(form);
  }

  /** What makes panels without zeros ready, for one of {@link SparseTilesKernel#FORMS}. */
  SparseTilesKernel sparse(AmxForm form) {
    return sparse.get(form);
  }

  /** For {@link AmxForm#INT8}. */
  AmxRoundingKernel rounding(Input input) {
    return input instanceof StaticInt8 ? staticRounding : rounding.get(input);
  }
}
