package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Block;

/**
 * GGUF's Q4_K: blocks of 256 columns, eight groups of 32, {@code w = scale * (s q) - min * m}.
 *
 * <pre>
 *   0        2        4                16                                        144
 *   | scale  | min    | s and m        | q32 q0 | q33 q1 | ... | q63 q31 | q96 q64 | ...
 *   '- F16   '- F16   '- SixBitScales  '- 64 columns in 32 bytes, the first 32 in the low nibbles
 * </pre>
 */
record Q4_KLayout() implements SuperBlockLayout {
  private static final int GROUP = Block.Q4_K.group();

  @Override
  public Block type() {
    return Block.Q4_K;
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
      int place = at + 16 + i / 64 * 32 + i % 32;
      to.integers()[column + i] = (byte) Blocks.bits(in, place, i % 64 / 32 * 4, 4);
    }
  }

  @Override
  public void put(IntegerRow from, float scale, float min, byte[] out) {
    Blocks.half(out, 0, scale);
    Blocks.half(out, 2, min);
    SixBitScales.put(from, scale, min, out, 4);
    for (int i = 0; i < 256; i++) {
      int q = Blocks.within(from.integers()[i], 0, 15);
      out[16 + i / 64 * 32 + i % 32] |= (byte) (q << i % 64 / 32 * 4);
    }
  }
}
