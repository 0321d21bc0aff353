package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;
import java.util.Arrays;

/**
 * GGUF's IQ4_NL: blocks of 32 columns, {@code w = scale * VALUES[q]}: steps that are finer near
 * zero.
 *
 * <pre>
 *   0        2                                                18
 *   | scale  | q16 q0 | q17 q1 | ...                | q31 q15 |
 *   '- F16   '- the first half of the block in the low nibbles
 * </pre>
 */
record IQ4_NLLayout() implements BlockLayout {
  private static final byte[] VALUES = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };
  private static final int COLUMNS = Block.IQ4_NL.columns();
  private static final int HALF = COLUMNS / 2;

  @Override
  public Block type() {
    return Block.IQ4_NL;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    to.scales()[column / COLUMNS] = Blocks.half(in, at);
    for (int i = 0; i < HALF; i++) {
      to.integers()[column + i] = VALUES[Blocks.bits(in, at + 2 + i, 0, 4)];
      to.integers()[column + HALF + i] = VALUES[Blocks.bits(in, at + 2 + i, 4, 4)];
    }
  }

  @Override
  public void write(IntegerRow from, Tensor tensor, long row) {
    long at = row * Block.IQ4_NL.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      Blocks.half(tensor.data(), at, from.scales()[first / COLUMNS]);
      for (int i = 0; i < HALF; i++) {
        int low = place(from.integers()[first + i]);
        int high = place(from.integers()[first + HALF + i]);
        tensor.data().set(JAVA_BYTE, at + 2 + i, (byte) (high << 4 | low));
      }
      at += Block.IQ4_NL.bytes();
    }
  }

  /** The scale is the number of largest magnitude over -127. */
  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    IntegerRow to = IntegerRow.of(Block.IQ4_NL, Math.toIntExact(tensor.cols()));
    for (int g = 0; g < to.scales().length; g++) {
      float scale = Blocks.nearestHalf(Blocks.extreme(in, g * COLUMNS, COLUMNS, row) / VALUES[0]);
      to.scales()[g] = scale;
      for (int i = g * COLUMNS; i < (g + 1) * COLUMNS; i++) {
        to.integers()[i] = nearest(scale == 0 ? 0 : in[i] / scale);
      }
    }
    write(to, tensor, row);
  }

  private static byte nearest(float value) {
    byte best = VALUES[0];
    for (byte candidate : VALUES) {
      best = Math.abs(candidate - value) < Math.abs(best - value) ? candidate : best;
    }
    return best;
  }

  private static int place(int value) {
    int place = Arrays.binarySearch(VALUES, (byte) value);
    if (place < 0) {
      throw new IllegalArgumentException("integer " + value + ": not one of iq4_nl's");
    }
    return place;
  }

  /** The sixteen integers, from the least. */
  static byte[] values() {
    return VALUES.clone();
  }
}
