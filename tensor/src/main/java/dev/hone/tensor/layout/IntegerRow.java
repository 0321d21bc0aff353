package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import java.util.Arrays;

/**
 * A row of integers with their scales: {@code w[i] = q[i] * scale[i / group] + shift[i / group]}.
 *
 * @param group columns that share a scale; the last group may be shorter
 * @param integers q, one a column, less what the type takes from it: 0 is zero without a shift
 * @param scales one a group
 * @param shifts one a group; null where the type has none
 */
public record IntegerRow(int group, byte[] integers, float[] scales, float[] shifts) {

  /** Room for a row of {@code cols} columns. */
  public static IntegerRow of(Block type, int cols) {
    int groups = cols / type.group();
    return new IntegerRow(
        type.group(), new byte[cols], new float[groups], type.shifted() ? new float[groups] : null);
  }

  /** Room for a row of {@code cols} columns. */
  public static IntegerRow of(Affine type, int cols) {
    int groups = type.groups(cols);
    return new IntegerRow(
        type.groupColumns(cols),
        new byte[cols],
        new float[groups],
        type.symmetric() ? null : new float[groups]);
  }

  void widen(float[] out) {
    for (int g = 0; g < scales.length; g++) {
      for (int i = g * group; i < Math.min(integers.length, (g + 1) * group); i++) {
        out[i] = integers[i] * scales[g] + (shifts == null ? 0 : shifts[g]);
      }
    }
  }

  @Override
  public String toString() {
    return Arrays.toString(integers) + Arrays.toString(scales) + Arrays.toString(shifts);
  }
}
