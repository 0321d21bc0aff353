package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;

/** Splits rows, times a factor, into the parts that {@link SplitProductKernel} reads as rows. */
final class SplitRowsKernel {
  private final int parts;
  private final MemorySegment code;

  SplitRowsKernel(int parts) {
    this.parts = parts;
    code = CodeMemory.install(assemble(parts));
  }

  /**
   * @param in [rows][steps * 32], {@code stride} bytes apart
   * @param out rows of parts, {@code outStride} bytes apart
   */
  void run(
      MemorySegment in,
      long stride,
      long rows,
      long steps,
      MemorySegment out,
      long outStride,
      float factor) {
    if (rows <= 0 || steps <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", steps=" + steps);
    }
    Segments.require(in, rows, stride, steps * SplitParts.STEP * Float.BYTES);
    Segments.require(out, rows, outStride, steps * parts * SplitParts.BYTES);
    long factorBits = Float.floatToRawIntBits(factor);
    CodeMemory.call(code, address(in), stride, rows, steps, address(out), outStride, factorBits);
  }

  static Assembly assemble(int parts) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.ZMM);
    Gpr in = registers.argument("in");
    Gpr stride = registers.argument("stride of in");
    Gpr rows = registers.argument("rows");
    Gpr steps = registers.argument("steps");
    Gpr out = registers.argument("out");
    Gpr outStride = registers.argument("stride of out");
    Gpr from = registers.gpr("from");
    Gpr to = registers.gpr("to");
    Gpr left = registers.gpr("steps left");
    Vec[] numbers = registers.vecs("numbers", 2);
    Vec[] part = registers.vecs("part", 2);
    Vec factor = registers.vec("factor");
    SplitParts split = new SplitParts(asm, registers);
    asm.enter(registers);
    split.begin(from);
    asm.vbroadcastss(factor, Assembler.stackArgument(registers, 6));
    Label row = asm.here();
    asm.mov(from, in);
    asm.mov(to, out);
    asm.mov(left, steps);
    Label step = asm.here();
    for (int i = 0; i < 2; i++) {
      asm.vmulps(numbers[i], factor, Memory.at(from, i * Width.ZMM.bytes()));
    }
    split.store(numbers[0], numbers[1], part[0], part[1], parts, Memory.at(to, 0));
    asm.add(from, SplitParts.STEP * Float.BYTES);
    asm.add(to, parts * SplitParts.BYTES);
    asm.sub(left, 1);
    asm.jne(step);
    asm.add(in, stride);
    asm.add(out, outStride);
    asm.sub(rows, 1);
    asm.jne(row);
    asm.leave(registers);
    return asm.finish("split-rows-" + parts);
  }
}
