package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Block;

/**
 * GGUF's Q5_K: blocks of 256 columns, eight groups of 32, {@code w = scale * (s q) - min * m}.
 *
 * <pre>
 *   0        2        4                16                 48                          176
 *   | scale  | min    | s and m        | 32 bytes         | four low bits of q        |
 *   '- F16   '- F16   '- SixBitScales  '- fifth bits of q '- as in Q4_K
 * </pre>
 *
 * Bit b of byte i of the fifth bits belongs to column i + 32 b.
 */
record Q5_KLayout() implements SuperBlockLayout {
  private static final int GROUP = Block.Q5_K.group();

  @Override
  public Block type() {
    return Block.Q5_K;
  }

  @Override
  public int largestScale() {
    return 63;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    float scale = Blocks.half(in, at);
    float min = Blocks.half(in, at + 2);
    SixBitScales.read(in, at + 4, scale, min, to, column / GROUP);
    for (int i = 0; i < 256; i++) {
      int low = Blocks.bits(in, at + 48 + i / 64 * 32 + i % 32, i % 64 / 32 * 4, 4);
      int fifth = Blocks.bits(in, at + 16 + i % 32, i / 32, 1);
      to.integers()[column + i] = (byte) (fifth << 4 | low);
    }
  }

  @Override
  public void put(IntegerRow from, float scale, float min, byte[] out) {
    Blocks.half(out, 0, scale);
    Blocks.half(out, 2, min);
    SixBitScales.put(from, scale, min, out, 4);
    for (int i = 0; i < 256; i++) {
      int q = Blocks.within(from.integers()[i], 0, 31);
      out[48 + i / 64 * 32 + i % 32] |= (byte) ((q & 15) << i % 64 / 32 * 4);
      out[16 + i % 32] |= (byte) (q >>> 4 << i / 32);
    }
  }
}
