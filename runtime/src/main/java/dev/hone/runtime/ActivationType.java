package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.Kernels;
import java.util.Locale;
import java.util.Optional;

/** What products with quantized weights read, where the model itself does not say it. */
public enum ActivationType {
  /** The activations as they are: exact, and slower. */
  F32,
  /**
   * Rounded to 8 bits in blocks of 32 ({@link Input#BLOCK_INT8}), as llama.cpp does: wherever the
   * kernels multiply such blocks with a weight as integers. Many rows are rounded to BF16 instead
   * where tiles multiply them (AMX), which is nearer. Other products stay as they are.
   */
  INT8;

  /** The model as it runs. */
  Transformer of(Transformer model, Kernels kernels) {
    if (this == F32) {
      return model;
    }
    Transformer rounded =
        model.map(
            new LayerMap() {
              @Override
              public Linear linear(Role role, Linear layer) {
                return rounded(layer, kernels);
              }
            });
    if (rounded.head() instanceof Head.NextToken next && next.out().isEmpty()) {
      Linear out = rounded(rounded.nextToken(next), kernels);
      if (!out.input().equals(Input.FLOAT)) {
        return rounded.with(new Head.NextToken(Optional.of(out), next.softCap()));
      }
    }
    return rounded;
  }

  private static Linear rounded(Linear layer, Kernels kernels) {
    return layer.input().equals(Input.FLOAT) && kernels.multipliesBlocks(layer.weight().tensor())
        ? layer.with(Input.BLOCK_INT8)
        : layer;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
