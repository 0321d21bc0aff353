package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Blocks of 256 columns whose groups' scales are whole numbers of one step, and shifts of another:
 * the K-quants.
 */
interface SuperBlockLayout extends BlockLayout {

  /** Steps of the scale that is largest. */
  int largestScale();

  /**
   * Puts one block together.
   *
   * @param from the block's columns and groups, settled
   * @param scale step of the scales
   * @param min step of the shifts, downwards
   * @param out the block's bytes, all zero
   */
  void put(IntegerRow from, float scale, float min, byte[] out);

  /** Scales rounded to steps of an F16 number, shifts likewise and to zero at most. */
  @Override
  default void settle(float[] scales, float[] shifts) {
    float scale = scaleStep(scales);
    for (int g = 0; g < scales.length; g++) {
      scales[g] = scale * scaleSteps(scales[g], scale);
    }
    if (shifts != null) {
      float min = minStep(shifts);
      for (int g = 0; g < shifts.length; g++) {
        shifts[g] = -(min * minSteps(shifts[g], min));
      }
    }
  }

  @Override
  default void write(IntegerRow from, Tensor tensor, long row) {
    int groups = type().columns() / type().group();
    byte[] out = new byte[type().bytes()];
    long at = row * type().rowBytes(tensor.cols());
    for (int column = 0, g = 0; column < tensor.cols(); column += type().columns(), g += groups) {
      IntegerRow block =
          new IntegerRow(
              type().group(),
              Arrays.copyOfRange(from.integers(), column, column + type().columns()),
              Arrays.copyOfRange(from.scales(), g, g + groups),
              from.shifts() == null ? null : Arrays.copyOfRange(from.shifts(), g, g + groups));
      settle(block.scales(), block.shifts());
      Arrays.fill(out, (byte) 0);
      put(
          block,
          scaleStep(block.scales()),
          block.shifts() == null ? 0 : minStep(block.shifts()),
          out);
      MemorySegment.copy(out, 0, tensor.data(), JAVA_BYTE, at, out.length);
      at += out.length;
    }
  }

  @Override
  default void encode(float[] in, Tensor tensor, long row) {
    IntegerRow to = IntegerRow.of(type(), Math.toIntExact(tensor.cols()));
    int least = -type().middle();
    int most = least + (1 << type().bits()) - 1;
    int group = type().group();
    for (int g = 0; g < to.scales().length; g++) {
      if (type().shifted()) {
        float[] range = Blocks.range(in, g * group, group, row);
        to.shifts()[g] = Math.min(range[0], 0);
        to.scales()[g] = (Math.max(range[1], 0) - to.shifts()[g]) / most;
      } else {
        to.scales()[g] = Blocks.extreme(in, g * group, group, row) / least;
      }
    }
    int groups = type().columns() / group;
    for (int from = 0; from < to.scales().length; from += groups) {
      float[] scales = Arrays.copyOfRange(to.scales(), from, from + groups);
      float[] shifts =
          type().shifted() ? Arrays.copyOfRange(to.shifts(), from, from + groups) : null;
      settle(scales, shifts);
      for (int i = 0; i < type().columns(); i++) {
        int column = from * group + i;
        float shift = shifts == null ? 0 : shifts[i / group];
        int q = (int) Math.rint((in[column] - shift) / scales[i / group]);
        to.integers()[column] = (byte) Math.clamp(q, least, most);
      }
      System.arraycopy(scales, 0, to.scales(), from, groups);
      if (shifts != null) {
        System.arraycopy(shifts, 0, to.shifts(), from, groups);
      }
    }
    write(to, tensor, row);
  }

  /** So that the scale of largest magnitude is the most steps there are. */
  private float scaleStep(float[] scales) {
    float extreme = 0;
    for (float scale : scales) {
      extreme = Math.abs(scale) > Math.abs(extreme) ? scale : extreme;
    }
    float step = Blocks.nearestHalf(extreme / largestScale());
    return step == 0 ? Blocks.LEAST_F16 : step;
  }

  /** Never none: integers are divided by it. */
  private int scaleSteps(float scale, float step) {
    boolean signed = largestScale() < 0;
    int least = signed ? largestScale() : 1;
    int steps =
        Math.clamp(
            (int) Math.rint(scale / step), least, Math.abs(largestScale()) - (signed ? 1 : 0));
    return steps == 0 ? 1 : steps;
  }

  private float minStep(float[] shifts) {
    float least = 0;
    for (float shift : shifts) {
      least = Math.min(least, shift);
    }
    return Blocks.nearestHalf(-least / largestScale());
  }

  private int minSteps(float shift, float step) {
    return step == 0 ? 0 : Math.clamp((int) Math.rint(-shift / step), 0, largestScale());
  }

  /** A group's scale in steps. */
  static int steps(float value, float step) {
    return step == 0 ? 0 : Math.round(value / step);
  }
}
