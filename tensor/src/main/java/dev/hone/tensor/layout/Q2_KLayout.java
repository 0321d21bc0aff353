package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Block;

/**
 * GGUF's Q2_K: blocks of 256 columns, sixteen groups of 16, {@code w = scale * (s q) - min * m}.
 *
 * <pre>
 *   0                        16                       80       82       84
 *   | m0 s0 | ... | m15 s15  | 64 bytes of q          | scale  | min    |
 *   '- s in the low nibbles  '- two bits each         '- F16   '- F16
 * </pre>
 *
 * Byte i of the first 32 of q holds the columns i, i + 32, i + 64 and i + 96, the first in the
 * lowest bits; the other 32 the second half of the block likewise.
 */
record Q2_KLayout() implements SuperBlockLayout {
  private static final int GROUP = Block.Q2_K.group();

  @Override
  public Block type() {
    return Block.Q2_K;
  }

  @Override
  public int largestScale() {
    return 15;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    float scale = Blocks.half(in, at + 80);
    float min = Blocks.half(in, at + 82);
    for (int g = 0; g < 16; g++) {
      to.scales()[column / GROUP + g] = scale * Blocks.bits(in, at + g, 0, 4);
      to.shifts()[column / GROUP + g] = -(min * Blocks.bits(in, at + g, 4, 4));
    }
    for (int i = 0; i < 256; i++) {
      int place = at + 16 + i / 128 * 32 + i % 32;
      to.integers()[column + i] = (byte) Blocks.bits(in, place, i % 128 / 32 * 2, 2);
    }
  }

  @Override
  public void put(IntegerRow from, float scale, float min, byte[] out) {
    for (int g = 0; g < 16; g++) {
      int s = SuperBlockLayout.steps(from.scales()[g], scale);
      int m = SuperBlockLayout.steps(-from.shifts()[g], min);
      out[g] = (byte) (m << 4 | s);
    }
    for (int i = 0; i < 256; i++) {
      int q = Blocks.within(from.integers()[i], 0, 3);
      out[16 + i / 128 * 32 + i % 32] |= (byte) (q << i % 128 / 32 * 2);
    }
    Blocks.half(out, 80, scale);
    Blocks.half(out, 82, min);
  }
}
