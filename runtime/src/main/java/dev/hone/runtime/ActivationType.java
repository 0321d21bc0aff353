package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import java.util.Locale;
import java.util.Optional;

/** What products read, where the model itself does not say it. */
public enum ActivationType {
  /** The activations as they are: exact, and slower. */
  F32,
  /**
   * Rounded to 8 bits in blocks of 32 ({@link Input#BLOCK_INT8}), as llama.cpp does: wherever the
   * kernels multiply such blocks with a weight as integers. Many rows are rounded to BF16 instead
   * where tiles multiply them (AMX), which is nearer. Other products stay as they are.
   */
  INT8,
  /**
   * Rounded to BF16 for products with weights that are stored so ({@link Input#BF16}), as other
   * programs run such models. Other products stay as they are.
   */
  BF16;

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
                return layer.with(input(layer, kernels));
              }
            });
    if (rounded.head() instanceof Head.NextToken next && next.out().isEmpty()) {
      Linear out = rounded.nextToken(next);
      Input input = input(out, kernels);
      if (!input.equals(Input.FLOAT)) {
        return rounded.with(new Head.NextToken(Optional.of(out.with(input)), next.softCap()));
      }
    }
    return rounded;
  }

  private Input input(Linear layer, Kernels kernels) {
    Tensor weight = layer.weight().tensor();
    if (!layer.input().equals(Input.FLOAT)) {
      return layer.input();
    }
    return switch (this) {
      case F32 -> Input.FLOAT;
      case INT8 -> kernels.multipliesBlocks(weight) ? Input.BLOCK_INT8 : Input.FLOAT;
      case BF16 -> weight.dtype() == Plain.BF16 ? Input.BF16 : Input.FLOAT;
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
