package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;

/**
 * GGUF's Q4_0: blocks of 32 columns, {@code w = scale * (q - 8)}.
 *
 * <pre>
 *   0        2                                                18
 *   | scale  | q16 q0 | q17 q1 | ...                | q31 q15 |
 *   '- F16   '- the first half of the block in the low nibbles, 0..15
 * </pre>
 *
 * The scale is the number of largest magnitude over -8: that number alone is exact, the other end
 * of the range clamps. As in llama.cpp's {@code quantize_row_q4_0_ref}.
 */
record Q4_0Layout() implements BlockLayout {
  private static final int COLUMNS = Block.Q4_0.columns();
  private static final int HALF = COLUMNS / 2;

  @Override
  public Block type() {
    return Block.Q4_0;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    to.scales()[column / COLUMNS] = Blocks.half(in, at);
    for (int i = 0; i < HALF; i++) {
      int pair = in[at + 2 + i];
      to.integers()[column + i] = (byte) ((pair & 15) - 8);
      to.integers()[column + HALF + i] = (byte) ((pair >>> 4 & 15) - 8);
    }
  }

  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    long at = row * Block.Q4_0.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      float scale = Blocks.extreme(in, first, COLUMNS, row) / -8;
      float inverse = scale == 0 ? 0 : 1 / scale;
      Blocks.half(tensor.data(), at, scale);
      for (int i = 0; i < HALF; i++) {
        int low = Math.min(15, (int) (in[first + i] * inverse + 8.5f));
        int high = Math.min(15, (int) (in[first + HALF + i] * inverse + 8.5f));
        tensor.data().set(JAVA_BYTE, at + 2 + i, (byte) (high << 4 | low));
      }
      at += Block.Q4_0.bytes();
    }
  }

  @Override
  public void write(IntegerRow from, Tensor tensor, long row) {
    long at = row * Block.Q4_0.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      Blocks.half(tensor.data(), at, from.scales()[first / COLUMNS]);
      for (int i = 0; i < HALF; i++) {
        byte pair =
            BlockLayout.pair(
                from.integers()[first + i] + 8, from.integers()[first + HALF + i] + 8, 15);
        tensor.data().set(JAVA_BYTE, at + 2 + i, pair);
      }
      at += Block.Q4_0.bytes();
    }
  }
}
