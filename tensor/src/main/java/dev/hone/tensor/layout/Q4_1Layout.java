package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;

/**
 * GGUF's Q4_1: blocks of 32 columns, {@code w = scale * q + min}.
 *
 * <pre>
 *   0        2        4                                                20
 *   | scale  | min    | q16 q0 | q17 q1 | ...                | q31 q15 |
 *   '- F16   '- F16   '- the first half of the block in the low nibbles, 0..15
 * </pre>
 *
 * The scale is the range over 15, as in llama.cpp's {@code quantize_row_q4_1_ref}.
 */
record Q4_1Layout() implements BlockLayout {
  private static final int COLUMNS = Block.Q4_1.columns();
  private static final int HALF = COLUMNS / 2;

  @Override
  public Block type() {
    return Block.Q4_1;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    to.scales()[column / COLUMNS] = Blocks.half(in, at);
    to.shifts()[column / COLUMNS] = Blocks.half(in, at + 2);
    for (int i = 0; i < HALF; i++) {
      to.integers()[column + i] = (byte) Blocks.bits(in, at + 4 + i, 0, 4);
      to.integers()[column + HALF + i] = (byte) Blocks.bits(in, at + 4 + i, 4, 4);
    }
  }

  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    long at = row * Block.Q4_1.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      float[] range = Blocks.range(in, first, COLUMNS, row);
      float scale = (range[1] - range[0]) / 15;
      float inverse = scale == 0 ? 0 : 1 / scale;
      Blocks.half(tensor.data(), at, scale);
      Blocks.half(tensor.data(), at + 2, range[0]);
      for (int i = 0; i < HALF; i++) {
        int low = Math.min(15, (int) ((in[first + i] - range[0]) * inverse + 0.5f));
        int high = Math.min(15, (int) ((in[first + HALF + i] - range[0]) * inverse + 0.5f));
        tensor.data().set(JAVA_BYTE, at + 4 + i, (byte) (high << 4 | low));
      }
      at += Block.Q4_1.bytes();
    }
  }

  @Override
  public void write(IntegerRow from, Tensor tensor, long row) {
    long at = row * Block.Q4_1.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      Blocks.half(tensor.data(), at, from.scales()[first / COLUMNS]);
      Blocks.half(tensor.data(), at + 2, from.shifts()[first / COLUMNS]);
      for (int i = 0; i < HALF; i++) {
        byte pair =
            BlockLayout.pair(from.integers()[first + i], from.integers()[first + HALF + i], 15);
        tensor.data().set(JAVA_BYTE, at + 4 + i, pair);
      }
      at += Block.Q4_1.bytes();
    }
  }
}
