package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;

/**
 * GGUF's Q5_1: blocks of 32 columns, {@code w = scale * q + min}.
 *
 * <pre>
 *   0        2        4                 8                                                24
 *   | scale  | min    | b31 ... b1 b0   | q16 q0 | q17 q1 | ...                | q31 q15 |
 *   '- F16   '- F16   '- fifth bits     '- four low bits of q, the first half in the low nibbles
 * </pre>
 *
 * The scale is the range over 31, as in llama.cpp's {@code quantize_row_q5_1_ref}.
 */
record Q5_1Layout() implements BlockLayout {
  private static final int COLUMNS = Block.Q5_1.columns();
  private static final int HALF = COLUMNS / 2;

  @Override
  public Block type() {
    return Block.Q5_1;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    to.scales()[column / COLUMNS] = Blocks.half(in, at);
    to.shifts()[column / COLUMNS] = Blocks.half(in, at + 2);
    for (int i = 0; i < COLUMNS; i++) {
      int low = Blocks.bits(in, at + 8 + i % HALF, i / HALF * 4, 4);
      int fifth = Blocks.bits(in, at + 4 + i / 8, i % 8, 1);
      to.integers()[column + i] = (byte) (fifth << 4 | low);
    }
  }

  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    long at = row * Block.Q5_1.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      float[] range = Blocks.range(in, first, COLUMNS, row);
      float scale = (range[1] - range[0]) / 31;
      float inverse = scale == 0 ? 0 : 1 / scale;
      Blocks.half(tensor.data(), at, scale);
      Blocks.half(tensor.data(), at + 2, range[0]);
      int fifth = 0;
      for (int i = 0; i < HALF; i++) {
        int low = (int) ((in[first + i] - range[0]) * inverse + 0.5f);
        int high = (int) ((in[first + HALF + i] - range[0]) * inverse + 0.5f);
        tensor.data().set(JAVA_BYTE, at + 8 + i, (byte) (high << 4 | low & 15));
        fifth |= low >>> 4 << i | high >>> 4 << i + HALF;
      }
      Blocks.fifthBits(tensor, at + 4, fifth);
      at += Block.Q5_1.bytes();
    }
  }

  @Override
  public void write(IntegerRow from, Tensor tensor, long row) {
    long at = row * Block.Q5_1.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      Blocks.half(tensor.data(), at, from.scales()[first / COLUMNS]);
      Blocks.half(tensor.data(), at + 2, from.shifts()[first / COLUMNS]);
      int fifth = 0;
      for (int i = 0; i < HALF; i++) {
        int low = Blocks.within(from.integers()[first + i], 0, 31);
        int high = Blocks.within(from.integers()[first + HALF + i], 0, 31);
        tensor.data().set(JAVA_BYTE, at + 8 + i, (byte) (high << 4 | low & 15));
        fifth |= low >>> 4 << i | high >>> 4 << i + HALF;
      }
      Blocks.fifthBits(tensor, at + 4, fifth);
      at += Block.Q5_1.bytes();
    }
  }
}
