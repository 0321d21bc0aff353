package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Opmask;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;

/**
 * Writes the part of a kernel that reads {@link SparsePanels}: 16 columns of an input feature are
 * as many numbers as their bits are set, put at the bits' places. A field is a register.
 */
final class NonZeros {
  /** Columns of a vector. */
  static final int COLUMNS = Width.ZMM.floats();

  private static final int BITS = COLUMNS / Byte.SIZE;

  /** How far ahead of their use numbers are asked for, in bytes. */
  private static final int PREFETCH = 1024;

  private final Assembler asm;
  private final Plain type;
  private final Gpr bits;
  private final Gpr numbers;
  private final Gpr count;
  private final Opmask places = new Opmask(1);

  /**
   * @param bits where an input feature's stand
   * @param numbers where its first number stands
   */
  NonZeros(Assembler asm, Registers registers, Plain type, Gpr bits, Gpr numbers) {
    this.asm = asm;
    this.type = type;
    this.bits = bits;
    this.numbers = numbers;
    count = registers.gpr("count");
  }

  /** The next 16 columns as floats, and on to the numbers behind them. */
  void load(Vec to, int bitsAt) {
    asm.movzx16(count, Memory.at(bits, bitsAt));
    asm.kmovw(places, count);
    asm.popcnt32(count, count);
    Memory from = Memory.at(numbers, 0);
    switch (type) {
      case F32 -> asm.vmovups(to, from);
      case F16 -> asm.vcvtph2ps(to, from);
      case BF16 -> {
        asm.vpmovzxwd(to, from);
        asm.vpslld(to, to, 16);
      }
      case F64, I64, I32, I16, I8, U8, BOOL -> throw new IllegalStateException(type.label());
    }
    asm.vexpandps(to, places, to);
    asm.prefetcht0(from.plus(PREFETCH));
    asm.lea(numbers, Memory.at(numbers, count, type.bytes(), 0));
  }

  /** Bytes of the bits of so many columns. */
  static int bitBytes(int columns) {
    return columns / COLUMNS * BITS;
  }
}
