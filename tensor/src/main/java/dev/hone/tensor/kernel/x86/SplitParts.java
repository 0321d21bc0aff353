package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;

/**
 * Numbers as sums of BF16 parts, each the nearest to what the parts before it leave: two hold 17
 * bits of an F32, three all 24. Products of parts add up to products of F32 (Henry, Tang, Heinecke,
 * "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations").
 *
 * <pre>
 *   rows    [row][step of 32 columns][part][32]      what tiles read on the left
 *   panels  [16 columns][pair of rows][part][16][2]  on the right
 * </pre>
 */
final class SplitParts {
  /** Numbers of a row that a tile holds. */
  static final int STEP = 32;

  /** Rows of a tile, pairs of rows of a tile, and columns of its sums. */
  static final int TILE = 16;

  /** Of one part of a step, or of a pair. */
  static final int BYTES = 64;

  private final Assembler asm;
  private final Vec half;
  private final Vec upper;

  SplitParts(Assembler asm, Registers registers) {
    this.asm = asm;
    half = registers.vec("half of a part's last place");
    upper = registers.vec("upper halves");
  }

  /** Fills its registers; overwrites {@code temporary}. */
  void begin(Gpr temporary) {
    asm.lea(
        temporary, asm.constant(Float.intBitsToFloat(0x8000), Float.intBitsToFloat(0xFFFF0000)));
    asm.vbroadcastss(half, Memory.at(temporary, 0));
    asm.vbroadcastss(upper, Memory.at(temporary, Float.BYTES));
  }

  /** {@code part} = the BF16 nearest to x. */
  private void round(Vec part, Vec x) {
    asm.vpaddd(part, x, half);
    asm.vandps(part, part, upper);
  }

  /** Stores two vectors as a step of a row; overwrites all four. */
  void store(Vec low, Vec high, Vec lowPart, Vec highPart, int parts, Memory to) {
    for (int part = 0; part < parts - 1; part++) {
      round(lowPart, low);
      round(highPart, high);
      asm.vsubps(low, low, lowPart);
      asm.vsubps(high, high, highPart);
      asm.vcvtne2ps2bf16(lowPart, highPart, lowPart);
      asm.vmovups(to.plus(part * BYTES), lowPart);
    }
    asm.vcvtne2ps2bf16(low, high, low);
    asm.vmovups(to.plus((parts - 1) * BYTES), low);
  }

  /**
   * Stores a vector of each of two rows as a pair; overwrites all four.
   *
   * @param stride bytes from one part to the next
   */
  void storePair(Vec even, Vec odd, Vec evenPart, Vec oddPart, int parts, Memory to, int stride) {
    for (int part = 0; part < parts; part++) {
      round(evenPart, even);
      round(oddPart, odd);
      if (part + 1 < parts) {
        asm.vsubps(even, even, evenPart);
        asm.vsubps(odd, odd, oddPart);
      }
      asm.vpsrld(evenPart, evenPart, Short.SIZE);
      asm.vpaddd(evenPart, evenPart, oddPart);
      asm.vmovups(to.plus(part * stride), evenPart);
    }
  }
}
