package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Block;

/**
 * GGUF's Q6_K: blocks of 256 columns, sixteen groups of 16, {@code w = scale * s * (q - 32)}.
 *
 * <pre>
 *   0                     128                  192               208      210
 *   | 128 bytes           | 64 bytes           | s0 | ... | s15  | scale  |
 *   '- four low bits of q '- two high bits     '- signed bytes   '- F16
 * </pre>
 *
 * Each half of the block has half of the bytes: byte i of 64 holds the low bits of its columns i
 * and i + 64, byte i of 32 the high bits of its columns i, i + 32, i + 64 and i + 96.
 */
record Q6_KLayout() implements SuperBlockLayout {
  private static final int GROUP = Block.Q6_K.group();

  @Override
  public Block type() {
    return Block.Q6_K;
  }

  @Override
  public int largestScale() {
    return -128;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    float scale = Blocks.half(in, at + 208);
    for (int g = 0; g < 16; g++) {
      to.scales()[column / GROUP + g] = scale * in[at + 192 + g];
    }
    for (int i = 0; i < 256; i++) {
      int half = i / 128;
      int low = Blocks.bits(in, at + half * 64 + i % 64, i % 128 / 64 * 4, 4);
      int high = Blocks.bits(in, at + 128 + half * 32 + i % 32, i % 128 / 32 * 2, 2);
      to.integers()[column + i] = (byte) ((high << 4 | low) - 32);
    }
  }

  @Override
  public void put(IntegerRow from, float scale, float min, byte[] out) {
    for (int g = 0; g < 16; g++) {
      out[192 + g] = (byte) SuperBlockLayout.steps(from.scales()[g], scale);
    }
    for (int i = 0; i < 256; i++) {
      int half = i / 128;
      int q = Blocks.within(from.integers()[i] + 32, 0, 63);
      out[half * 64 + i % 64] |= (byte) ((q & 15) << i % 128 / 64 * 4);
      out[128 + half * 32 + i % 32] |= (byte) (q >>> 4 << i % 128 / 32 * 2);
    }
    Blocks.half(out, 208, scale);
  }
}
