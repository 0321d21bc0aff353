package dev.hone.tensor.kernel.panels;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;

/**
 * Panels that are multiplied as floats: output features side by side, input feature by input
 * feature, in the weight's own precision.
 *
 * <pre>
 *   panel p:   k = 0   | w[p N, 0]  w[p N + 1, 0]  ...  w[p N + N - 1, 0] |     N = columns
 *              k = 1   | w[p N, 1]  w[p N + 1, 1]  ...                    |
 *              ...
 * </pre>
 *
 * The last panel is filled up with zeros.
 */
public sealed interface WidenedPanels extends Panels
    permits FloatPanels, IntegerPanels, SparsePanels {

  /** Cuts a matrix [out, in] of any type. */
  static WidenedPanels pack(Tensor weight, int columns, Arena arena, ComputePool pool) {
    return switch (weight.dtype()) {
      case Plain plain -> FloatPanels.pack(weight, plain, columns, arena, pool);
      case Affine affine -> IntegerPanels.pack(weight, affine, columns, arena, pool);
      case Block block -> IntegerPanels.pack(weight, block, columns, arena, pool);
    };
  }
}
