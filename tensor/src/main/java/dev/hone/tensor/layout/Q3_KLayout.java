package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Block;

/**
 * GGUF's Q3_K: blocks of 256 columns, sixteen groups of 16, {@code w = scale * (s - 32) * (q - 4)}.
 *
 * <pre>
 *   0                  32                    96                 108      110
 *   | 32 bytes         | 64 bytes            | 12 bytes of s    | scale  |
 *   '- third bits of q '- two low bits of q  '- six bits each   '- F16
 *
 *   s    bytes 0..7    | s8 s0 | s9 s1 | ...  | s15 s7 |          four low bits
 *        bytes 8..11   | s12 s8 s4 s0 | ... | s15 s11 s7 s3 |     two high bits
 * </pre>
 *
 * The low bits of q lie as in {@link Q2_KLayout}; bit b of byte i of the third bits belongs to
 * column i + 32 b.
 */
record Q3_KLayout() implements SuperBlockLayout {
  private static final int GROUP = Block.Q3_K.group();

  @Override
  public Block type() {
    return Block.Q3_K;
  }

  @Override
  public int largestScale() {
    return -32;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    float scale = Blocks.half(in, at + 108);
    for (int g = 0; g < 16; g++) {
      int low = Blocks.bits(in, at + 96 + g % 8, g / 8 * 4, 4);
      int high = Blocks.bits(in, at + 104 + g % 4, g / 4 * 2, 2);
      to.scales()[column / GROUP + g] = scale * ((high << 4 | low) - 32);
    }
    for (int i = 0; i < 256; i++) {
      int place = at + 32 + i / 128 * 32 + i % 32;
      int low = Blocks.bits(in, place, i % 128 / 32 * 2, 2);
      int third = Blocks.bits(in, at + i % 32, i / 32, 1);
      to.integers()[column + i] = (byte) ((third << 2 | low) - 4);
    }
  }

  @Override
  public void put(IntegerRow from, float scale, float min, byte[] out) {
    for (int g = 0; g < 16; g++) {
      int s = SuperBlockLayout.steps(from.scales()[g], scale) + 32;
      out[96 + g % 8] |= (byte) ((s & 15) << g / 8 * 4);
      out[104 + g % 4] |= (byte) (s >>> 4 << g / 4 * 2);
    }
    for (int i = 0; i < 256; i++) {
      int q = Blocks.within(from.integers()[i] + 4, 0, 7);
      out[32 + i / 128 * 32 + i % 32] |= (byte) ((q & 3) << i % 128 / 32 * 2);
      out[i % 32] |= (byte) (q >>> 2 << i / 32);
    }
    Blocks.half(out, 108, scale);
  }
}
