package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;

/**
 * GGUF's Q5_0: blocks of 32 columns, {@code w = scale * (q - 16)}.
 *
 * <pre>
 *   0        2                 6                                                22
 *   | scale  | b31 ... b1 b0   | q16 q0 | q17 q1 | ...                | q31 q15 |
 *   '- F16   '- fifth bits     '- four low bits of q, the first half of the block in the low nibbles
 * </pre>
 *
 * The scale is the number of largest magnitude over -16, as in llama.cpp's {@code
 * quantize_row_q5_0_ref}.
 */
record Q5_0Layout() implements BlockLayout {
  private static final int COLUMNS = Block.Q5_0.columns();
  private static final int HALF = COLUMNS / 2;

  @Override
  public Block type() {
    return Block.Q5_0;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    to.scales()[column / COLUMNS] = Blocks.half(in, at);
    for (int i = 0; i < COLUMNS; i++) {
      int low = Blocks.bits(in, at + 6 + i % HALF, i / HALF * 4, 4);
      int fifth = Blocks.bits(in, at + 2 + i / 8, i % 8, 1);
      to.integers()[column + i] = (byte) ((fifth << 4 | low) - 16);
    }
  }

  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    long at = row * Block.Q5_0.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      float scale = Blocks.extreme(in, first, COLUMNS, row) / -16;
      float inverse = scale == 0 ? 0 : 1 / scale;
      Blocks.half(tensor.data(), at, scale);
      int fifth = 0;
      for (int i = 0; i < HALF; i++) {
        int low = Math.min(31, (int) (in[first + i] * inverse + 16.5f));
        int high = Math.min(31, (int) (in[first + HALF + i] * inverse + 16.5f));
        tensor.data().set(JAVA_BYTE, at + 6 + i, (byte) (high << 4 | low & 15));
        fifth |= low >>> 4 << i | high >>> 4 << i + HALF;
      }
      Blocks.fifthBits(tensor, at + 2, fifth);
      at += Block.Q5_0.bytes();
    }
  }

  @Override
  public void write(IntegerRow from, Tensor tensor, long row) {
    long at = row * Block.Q5_0.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      Blocks.half(tensor.data(), at, from.scales()[first / COLUMNS]);
      int fifth = 0;
      for (int i = 0; i < HALF; i++) {
        int low = Blocks.within(from.integers()[first + i] + 16, 0, 31);
        int high = Blocks.within(from.integers()[first + HALF + i] + 16, 0, 31);
        tensor.data().set(JAVA_BYTE, at + 6 + i, (byte) (high << 4 | low & 15));
        fifth |= low >>> 4 << i | high >>> 4 << i + HALF;
      }
      Blocks.fifthBits(tensor, at + 2, fifth);
      at += Block.Q5_0.bytes();
    }
  }
}
