package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;

/**
 * Rows of floats as the products by tiles of BF16 read them: rounded to BF16, or as two parts, the
 * rounded number and what is left of it.
 *
 * <pre>
 *   out  [32 rows][step of 32 numbers][part][row] of 64 bytes; zeros behind the last number
 * </pre>
 *
 * In two parts the first is finite but for a NaN, whatever the number: an infinite number has its
 * infinity in the second, which meets the first part of a weight alone and never a zero's sign.
 */
final class AmxRowsKernel {
  private final AmxForm form;
  private final MemorySegment code;

  /** For a product of BF16. */
  AmxRowsKernel(AmxForm form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
  }

  /**
   * @param x [rows][cols], {@code stride} bytes apart
   * @param out {@link AmxForm#rowsBytes}; rows behind the last one's are left as they are
   */
  void run(MemorySegment x, long stride, long rows, long cols, MemorySegment out) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    long steps = form.steps(cols);
    Segments.require(x, rows, stride, cols * Float.BYTES);
    Segments.require(out, 1, 0, form.rowsBytes(rows, steps));
    CodeMemory.call(code, address(x), address(out), rows, cols, stride, form.gap(steps));
  }

  static Assembly assemble(AmxForm form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private static final int HALF_STEP = Width.ZMM.bytes();

    /** The largest BF16; half of what its bits leave out; the bits it has. */
    private static final float[] CONSTANTS = {
      Float.intBitsToFloat(0x7F7F0000), Float.intBitsToFloat(0xFF7F0000),
      Float.intBitsToFloat(0x8000), Float.intBitsToFloat(0xFFFF0000)
    };

    private final int parts;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final TileRowsWriter rows;
    private final Gpr constants = registers.gpr("constants");
    private final Vec most = registers.vec("most");
    private final Vec least = registers.vec("least");
    private final Vec half = registers.vec("half");
    private final Vec kept = registers.vec("kept bits");
    private final Vec[] numbers = registers.vecs("numbers", 2);
    private final Vec[] first = registers.vecs("first part", 2);

    Writer(AmxForm form) {
      parts = form.rowParts();
      rows = new TileRowsWriter(asm, registers, form);
    }

    private Assembly write() {
      rows.begin();
      asm.lea(constants, asm.constant(CONSTANTS));
      asm.vbroadcastss(most, Memory.at(constants, 0));
      asm.vbroadcastss(least, Memory.at(constants, 4));
      asm.vbroadcastss(half, Memory.at(constants, 8));
      asm.vbroadcastss(kept, Memory.at(constants, 12));
      rows.each(() -> rows.steps(this::step));
      rows.leave();
      return asm.finish("rows-for-tiles-" + parts);
    }

    private void step() {
      for (int v = 0; v < 2; v++) {
        asm.vmovups(numbers[v], Memory.at(rows.from, v * HALF_STEP));
      }
      if (parts == 1) {
        asm.vcvtne2ps2bf16(numbers[0], numbers[1], numbers[0]);
        asm.vmovups(Memory.at(rows.to, 0), numbers[0]);
        return;
      }
      for (int v = 0; v < 2; v++) {
        asm.vminps(first[v], most, numbers[v]); // a NaN stays one
        asm.vmaxps(first[v], least, first[v]);
        asm.vpaddd(first[v], first[v], half);
        asm.vandps(first[v], first[v], kept);
        asm.vsubps(numbers[v], numbers[v], first[v]);
      }
      asm.vcvtne2ps2bf16(first[0], first[1], first[0]);
      asm.vcvtne2ps2bf16(numbers[0], numbers[1], numbers[0]);
      asm.vmovups(Memory.at(rows.to, 0), first[0]);
      asm.vmovups(Memory.at(rows.to, 2 * AmxForm.TILE_BYTES), numbers[0]);
    }
  }
}
