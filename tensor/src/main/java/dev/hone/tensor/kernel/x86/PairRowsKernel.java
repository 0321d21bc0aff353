package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;

/**
 * Rounds rows of floats to BF16, one row behind the other: what {@link ProductKernel} reads in
 * pairs.
 *
 * <pre>
 *   out  [row] of {@link #rowBytes}; zeros behind the last number
 * </pre>
 */
final class PairRowsKernel {
  private static final int STEP_BYTES = AmxForm.ROW_BYTES;

  /** Numbers that are rounded at a time. */
  private static final int STEP = STEP_BYTES / Short.BYTES;

  private final MemorySegment code = CodeMemory.install(assemble());

  /** Bytes of a row of {@code out} that holds so many numbers. */
  static long rowBytes(long cols) {
    return (cols + STEP - 1) / STEP * STEP_BYTES;
  }

  /**
   * @param x [rows][cols], {@code stride} bytes apart
   * @param out [rows] of {@link #rowBytes}
   */
  void run(MemorySegment x, long stride, long rows, long cols, MemorySegment out) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    long rowBytes = rowBytes(cols);
    Segments.require(x, rows, stride, cols * Float.BYTES);
    Segments.require(out, rows, rowBytes, rowBytes);
    CodeMemory.call(code, address(x), address(out), rows, cols, stride, rowBytes - STEP_BYTES);
  }

  static Assembly assemble() {
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.ZMM);
    TileRowsWriter rows = new TileRowsWriter(asm, registers, STEP, STEP_BYTES, 1);
    Vec low = registers.vec("numbers");
    Vec high = registers.vec("the numbers behind them");
    rows.begin();
    rows.each(
        () ->
            rows.steps(
                () -> {
                  asm.vmovups(low, Memory.at(rows.from, 0));
                  asm.vmovups(high, Memory.at(rows.from, Width.ZMM.bytes()));
                  asm.vcvtne2ps2bf16(low, high, low);
                  asm.vmovups(Memory.at(rows.to, 0), low);
                }));
    rows.leave();
    return asm.finish("rows-for-pairs");
  }
}
