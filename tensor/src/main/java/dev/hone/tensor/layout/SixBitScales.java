package dev.hone.tensor.layout;

/**
 * Eight scales s and eight mins m of six bits each, as Q4_K and Q5_K pack them in 12 bytes.
 *
 * <pre>
 *   bytes 0..3    | s4" s0 | ... | s7" s3 |     six bits of s, above them the two high ones of another
 *   bytes 4..7    | m4" m0 | ... | m7" m3 |
 *   bytes 8..11   | m4' s4' | ... | m7' s7' |   four low bits each
 * </pre>
 */
final class SixBitScales {
  private SixBitScales() {}

  /** Puts {@code scale * s} and {@code -min * m} of a block's eight groups into a row. */
  static void read(byte[] in, int at, float scale, float min, IntegerRow to, int firstGroup) {
    for (int g = 0; g < 8; g++) {
      to.scales()[firstGroup + g] = scale * six(in, at, g, 0);
      to.shifts()[firstGroup + g] = -(min * six(in, at, g, 4));
    }
  }

  /** Packs a block's eight scales in steps of {@code scale}, and shifts in {@code -min}. */
  static void put(IntegerRow from, float scale, float min, byte[] out, int at) {
    for (int g = 0; g < 8; g++) {
      pack(SuperBlockLayout.steps(from.scales()[g], scale), out, at, g, 0);
      pack(SuperBlockLayout.steps(-from.shifts()[g], min), out, at, g, 4);
    }
  }

  private static void pack(int value, byte[] out, int at, int g, int kind) {
    if (g < 4) {
      out[at + kind + g] |= (byte) value;
    } else {
      out[at + 4 + g] |= (byte) ((value & 15) << kind);
      out[at + kind + g - 4] |= (byte) (value >>> 4 << 6);
    }
  }

  /**
   * @param kind 0 for s, 4 for m
   */
  private static int six(byte[] in, int at, int g, int kind) {
    if (g < 4) {
      return Blocks.bits(in, at + kind + g, 0, 6);
    }
    int low = Blocks.bits(in, at + 4 + g, kind, 4);
    return Blocks.bits(in, at + kind + g - 4, 6, 2) << 4 | low;
  }
}
