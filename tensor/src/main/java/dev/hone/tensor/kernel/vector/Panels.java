package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.PANEL;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;

/**
 * A weight matrix cut into panels: {@link Vectors#PANEL} output features side by side, input
 * feature by input feature, in the weight's own precision.
 *
 * <pre>
 *   panel p:   k = 0   | w[p N, 0]  w[p N + 1, 0]  ...  w[p N + N - 1, 0] |     N = PANEL
 *              k = 1   | w[p N, 1]  w[p N + 1, 1]  ...                    |
 *              ...
 * </pre>
 *
 * The last panel is filled up with zeros.
 */
sealed interface Panels extends PackedMatrix permits FloatPanels, IntegerPanels {

  static Panels pack(Tensor weight, Arena arena, ComputePool pool) {
    return switch (weight.dtype()) {
      case Plain plain -> FloatPanels.pack(weight, plain, arena, pool);
      case Affine affine -> IntegerPanels.pack(weight, affine, arena, pool);
      case Block block -> IntegerPanels.pack(weight, block, arena, pool);
    };
  }

  /**
   * Widens input features {@code from .. to} of a panel to floats.
   *
   * @param from even
   * @param out [to - from][PANEL]
   */
  void widen(int panel, int from, int to, float[] out);

  default int panels() {
    return (rows() + PANEL - 1) / PANEL;
  }
}
