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

/**
 * Splits rows into the parts that {@link SplitProductKernel} reads as panels; rows that are not
 * there are zero.
 */
final class SplitPairsKernel {
  private final int parts;
  private final MemorySegment code;

  SplitPairsKernel(int parts) {
    this.parts = parts;
    code = CodeMemory.install(assemble(parts));
  }

  /**
   * @param in [rows][panels * 16], {@code stride} bytes apart
   * @param pairs of rows that each panel has: at least those that are there
   * @param out that many panels
   */
  void run(MemorySegment in, long stride, long rows, long panels, long pairs, MemorySegment out) {
    if (rows <= 0 || panels <= 0 || 2 * pairs < rows) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", panels=" + panels + ", pairs=" + pairs);
    }
    Segments.require(in, rows, stride, panels * SplitParts.TILE * Float.BYTES);
    long panelBytes = pairs * parts * SplitParts.BYTES;
    Segments.require(out, panels, panelBytes, panelBytes);
    CodeMemory.call(code, address(in), stride, rows, panels, pairs, address(out));
  }

  static Assembly assemble(int parts) {
    return new Writer(parts).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final int parts;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final Gpr in = registers.argument("in");
    private final Gpr stride = registers.argument("stride");
    private final Gpr rows = registers.argument("rows");
    private final Gpr panels = registers.argument("panels");
    private final Gpr pairs = registers.argument("pairs");
    private final Gpr out = registers.argument("out");
    private final Gpr from = registers.gpr("from");
    private final Gpr left = registers.gpr("rows left");
    private final Gpr empty = registers.gpr("pairs left");
    private final Vec even = registers.vec("even row");
    private final Vec odd = registers.vec("odd row");
    private final Vec evenPart = registers.vec("part of the even row");
    private final Vec oddPart = registers.vec("part of the odd row");
    private final Vec zero = registers.vec("zero");
    private final SplitParts split = new SplitParts(asm, registers);

    Writer(int parts) {
      this.parts = parts;
    }

    Assembly write() {
      asm.enter(registers);
      split.begin(from);
      asm.vxorps(zero, zero, zero);
      Label panel = asm.here();
      Label oneRow = new Label();
      Label none = new Label();
      Label done = new Label();
      asm.mov(from, in);
      asm.mov(empty, pairs);
      asm.mov(left, rows);
      asm.sub(left, 2);
      asm.jl(oneRow);
      Label loop = asm.here();
      asm.vmovups(odd, Memory.at(from, stride, 1, 0));
      pair();
      asm.lea(from, Memory.at(from, stride, 2, 0));
      asm.sub(left, 2);
      asm.jge(loop);
      asm.bind(oneRow);
      asm.add(left, 2);
      asm.je(none);
      asm.vxorps(odd, odd, odd);
      pair();
      asm.bind(none);
      asm.test(empty, empty);
      asm.je(done);
      Label zeros = asm.here();
      for (int part = 0; part < parts; part++) {
        asm.vmovups(Memory.at(out, part * SplitParts.BYTES), zero);
      }
      next();
      asm.jne(zeros);
      asm.bind(done);
      asm.add(in, Width.ZMM.bytes());
      asm.sub(panels, 1);
      asm.jne(panel);
      asm.leave(registers);
      return asm.finish("split-pairs-" + parts);
    }

    private void pair() {
      asm.vmovups(even, Memory.at(from, 0));
      split.storePair(even, odd, evenPart, oddPart, parts, Memory.at(out, 0), SplitParts.BYTES);
      next();
    }

    private void next() {
      asm.add(out, parts * SplitParts.BYTES);
      asm.sub(empty, 1);
    }
  }
}
