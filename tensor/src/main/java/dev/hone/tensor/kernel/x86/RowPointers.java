package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;

/**
 * Rows that are read where they lie, a stride apart, while a kernel goes along them: three are
 * reached from one register, by the stride, its double, and none.
 */
final class RowPointers {
  private static final int REACH = 3;

  private final Assembler asm;
  private final Gpr stride;
  private final Gpr[] firsts;

  /**
   * Takes the registers for so many rows.
   *
   * @param stride of the rows, in bytes
   */
  RowPointers(Assembler asm, Registers registers, Gpr stride, int rows) {
    this.asm = asm;
    this.stride = stride;
    firsts = new Gpr[(rows + REACH - 1) / REACH];
    for (int i = 0; i < firsts.length; i++) {
      firsts[i] = registers.gpr("a of row " + i * REACH);
    }
  }

  /** Goes to some rows: those behind the first {@code skipped} of {@code a}. */
  void begin(Gpr a, int skipped, int rows) {
    asm.mov(firsts[0], a);
    for (int left = skipped; left > 0; ) {
      int some = Math.min(8, Integer.highestOneBit(left));
      asm.lea(firsts[0], Memory.at(firsts[0], stride, some, 0));
      left -= some;
    }
    for (int i = 1; i * REACH < rows; i++) {
      asm.lea(firsts[i], Memory.at(firsts[i - 1], stride, 2, 0));
      asm.add(firsts[i], stride);
    }
  }

  /** A place of a row, counted from where it is gone along to. */
  Memory at(int row, int displacement) {
    Gpr first = firsts[row / REACH];
    return row % REACH == 0
        ? Memory.at(first, displacement)
        : Memory.at(first, stride, row % REACH, displacement);
  }

  /** Goes along the rows. */
  void advance(int rows, int bytes) {
    for (int i = 0; i * REACH < rows; i++) {
      asm.add(firsts[i], bytes);
    }
  }
}
