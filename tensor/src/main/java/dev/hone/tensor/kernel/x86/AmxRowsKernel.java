package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Rows of floats as the products by tiles of BF16 read them: rounded to BF16, or as two parts, the
 * rounded number and what is left of it.
 *
 * <pre>
 *   out  [row][step of 32 numbers][part] of 64 bytes; zeros behind the last number
 * </pre>
 *
 * In two parts the first is finite but for a NaN, whatever the number: an infinite number has its
 * infinity in the second, which meets the first part of a weight alone and never a zero's sign.
 */
final class AmxRowsKernel {
  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG));

  private final AmxForm form;
  private final MemorySegment code;

  /** For a product of BF16. */
  AmxRowsKernel(AmxForm form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form.rowParts()));
  }

  /**
   * @param x [rows][cols], {@code stride} bytes apart
   * @param out [rows], {@code outStride} bytes apart
   */
  void run(MemorySegment x, long stride, long rows, long cols, MemorySegment out, long outStride) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    Segments.require(x, rows, stride, cols * Float.BYTES);
    Segments.require(out, rows, outStride, form.steps(cols) * form.rowStep());
    try {
      CALL.invokeExact(code, x, out, rows, cols, stride, outStride);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(int parts) {
    return new Writer(parts).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private static final int STEP = 32;
    private static final int HALF_STEP = STEP / 2 * Float.BYTES;

    /** Room for a step, and for what lies below the stack pointer until then. */
    private static final int ROOM = 2 * HALF_STEP + 64;

    /** The largest BF16; half of what its bits leave out; the bits it has. */
    private static final float[] CONSTANTS = {
      Float.intBitsToFloat(0x7F7F0000), Float.intBitsToFloat(0xFF7F0000),
      Float.intBitsToFloat(0x8000), Float.intBitsToFloat(0xFFFF0000)
    };

    private final int parts;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final Gpr x = registers.argument("x");
    private final Gpr out = registers.argument("out");
    private final Gpr rows = registers.argument("rows");
    private final Gpr cols = registers.argument("cols");
    private final Gpr stride = registers.argument("stride");
    private final Gpr outStride = registers.argument("stride of out");
    private final Gpr from = registers.gpr("from");
    private final Gpr to = registers.gpr("to");
    private final Gpr left = registers.gpr("left");
    private final Gpr beside = registers.gpr("beside");
    private final Vec most = registers.vec("most");
    private final Vec least = registers.vec("least");
    private final Vec half = registers.vec("half");
    private final Vec kept = registers.vec("kept bits");
    private final Vec[] numbers = registers.vecs("numbers", 2);
    private final Vec[] first = registers.vecs("first part", 2);

    Writer(int parts) {
      this.parts = parts;
    }

    private Assembly write() {
      asm.enter(registers);
      asm.sub(Gpr.RSP, ROOM);
      asm.lea(from, asm.constant(CONSTANTS));
      asm.vbroadcastss(most, Memory.at(from, 0));
      asm.vbroadcastss(least, Memory.at(from, 4));
      asm.vbroadcastss(half, Memory.at(from, 8));
      asm.vbroadcastss(kept, Memory.at(from, 12));
      Label row = asm.here();
      row();
      asm.add(x, stride);
      asm.add(out, outStride);
      asm.sub(rows, 1);
      asm.jne(row);
      asm.add(Gpr.RSP, ROOM);
      asm.leave(registers);
      return asm.finish("rows-for-tiles-" + parts);
    }

    private void row() {
      Label rest = new Label();
      Label end = new Label();
      asm.mov(from, x);
      asm.mov(to, out);
      asm.mov(left, cols);
      asm.sub(left, STEP);
      asm.jl(rest);
      Label loop = asm.here();
      step();
      asm.add(from, 2 * HALF_STEP);
      asm.add(to, parts * AmxForm.ROW_BYTES);
      asm.sub(left, STEP);
      asm.jge(loop);
      asm.bind(rest);
      asm.add(left, STEP);
      asm.je(end);
      lastStep();
      asm.bind(end);
    }

    /** What is left of a row, put among zeros first. */
    private void lastStep() {
      asm.vxorps(numbers[0], numbers[0], numbers[0]);
      asm.vmovups(Memory.at(Gpr.RSP, 0), numbers[0]);
      asm.vmovups(Memory.at(Gpr.RSP, HALF_STEP), numbers[0]);
      asm.mov(beside, Gpr.RSP);
      Label one = asm.here();
      asm.vbroadcastss(numbers[0], Memory.at(from, 0));
      asm.vmovss(Memory.at(beside, 0), numbers[0]);
      asm.add(from, Float.BYTES);
      asm.add(beside, Float.BYTES);
      asm.sub(left, 1);
      asm.jne(one);
      asm.mov(from, Gpr.RSP);
      step();
    }

    private void step() {
      for (int v = 0; v < 2; v++) {
        asm.vmovups(numbers[v], Memory.at(from, v * HALF_STEP));
      }
      if (parts == 1) {
        asm.vcvtne2ps2bf16(numbers[0], numbers[1], numbers[0]);
        asm.vmovups(Memory.at(to, 0), numbers[0]);
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
      asm.vmovups(Memory.at(to, 0), first[0]);
      asm.vmovups(Memory.at(to, AmxForm.ROW_BYTES), numbers[0]);
    }
  }
}
