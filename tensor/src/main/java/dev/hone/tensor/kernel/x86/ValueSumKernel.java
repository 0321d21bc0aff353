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
 * Adds values where they lie, each times its weight: {@code out[d] += Σk weights[k] values[k][d]}.
 */
final class ValueSumKernel {
  /** What the dimension must be a multiple of. */
  static final int STEP = 8;

  /** Vectors of the dimension that are summed side by side: a sum waits for the one before. */
  private static final int SIDE_BY_SIDE = 8;

  private final MemorySegment code = CodeMemory.install(assemble());

  /**
   * @param weights [count]
   * @param values [count][dim], {@code stride} bytes apart
   * @param out [dim]
   */
  void run(
      MemorySegment weights,
      MemorySegment values,
      long stride,
      long count,
      long dim,
      MemorySegment out) {
    if (count <= 0 || dim <= 0 || dim % STEP != 0) {
      throw new IllegalArgumentException("count=" + count + ", dim=" + dim);
    }
    Segments.require(weights, 1, 0, count * Float.BYTES);
    Segments.require(values, count, stride, dim * Float.BYTES);
    Segments.require(out, 1, 0, dim * Float.BYTES);
    CodeMemory.call(code, address(weights), address(values), stride, count, dim, address(out));
  }

  static Assembly assemble() {
    return new Writer().write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.YMM);
    private final Gpr weights = registers.argument("weights");
    private final Gpr values = registers.argument("values");
    private final Gpr stride = registers.argument("stride");
    private final Gpr count = registers.argument("count");
    private final Gpr dim = registers.argument("dim");
    private final Gpr out = registers.argument("out");
    private final Gpr weight = registers.gpr("weight");
    private final Gpr value = registers.gpr("value");
    private final Gpr left = registers.gpr("values left");
    private final Vec[] sums = registers.vecs("sum", SIDE_BY_SIDE);
    private final Vec spread = registers.vec("weight, spread");

    Assembly write() {
      asm.enter(registers);
      columns(SIDE_BY_SIDE);
      columns(1);
      asm.leave(registers);
      return asm.finish("value-sum");
    }

    /** So many vectors of the dimension at a time, as long as there are as many. */
    private void columns(int vectors) {
      int floats = vectors * STEP;
      Label done = new Label();
      Label again = asm.here();
      asm.cmp(dim, floats);
      asm.jl(done);
      for (int v = 0; v < vectors; v++) {
        asm.vmovups(sums[v], Memory.at(out, v * Width.YMM.bytes()));
      }
      asm.mov(weight, weights);
      asm.mov(value, values);
      asm.mov(left, count);
      Label loop = asm.here();
      asm.vbroadcastss(spread, Memory.at(weight, 0));
      for (int v = 0; v < vectors; v++) {
        asm.vfmadd231ps(sums[v], spread, Memory.at(value, v * Width.YMM.bytes()));
      }
      asm.add(weight, Float.BYTES);
      asm.add(value, stride);
      asm.sub(left, 1);
      asm.jne(loop);
      for (int v = 0; v < vectors; v++) {
        asm.vmovups(Memory.at(out, v * Width.YMM.bytes()), sums[v]);
      }
      asm.add(values, floats * Float.BYTES);
      asm.add(out, floats * Float.BYTES);
      asm.sub(dim, floats);
      asm.jmp(again);
      asm.bind(done);
    }
  }
}
