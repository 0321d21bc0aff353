package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.kernel.panels.SparsePanels;
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

/** Input features of one of {@link SparsePanels} as floats, zeros among them. */
final class SparseWideningKernel {
  private final int columns;
  private final MemorySegment code;

  SparseWideningKernel(Plain type, int columns) {
    this.columns = columns;
    code = CodeMemory.install(assemble(type, columns));
  }

  /**
   * @param bits [features] of {@link SparsePanels}
   * @param numbers as many as bits are set, and a vector more
   * @param out [features][columns]
   */
  void run(MemorySegment bits, MemorySegment numbers, MemorySegment out, long features) {
    int bitBytes = NonZeros.bitBytes(columns);
    long row = (long) columns * Float.BYTES;
    Segments.require(bits, features, bitBytes, bitBytes);
    Segments.require(out, features, row, row);
    CodeMemory.call(code, address(bits), address(numbers), address(out), features);
  }

  static Assembly assemble(Plain type, int columns) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.ZMM);
    Gpr bits = registers.argument("bits");
    Gpr numbers = registers.argument("numbers");
    Gpr out = registers.argument("out");
    Gpr features = registers.argument("features");
    Vec[] weights = registers.vecs("weights", columns / NonZeros.COLUMNS);
    var nonZeros = new NonZeros(asm, registers, type, bits, numbers);
    asm.enter(registers);
    Label loop = asm.here();
    for (int v = 0; v < weights.length; v++) {
      nonZeros.load(weights[v], NonZeros.bitBytes(v * NonZeros.COLUMNS));
      asm.vmovups(Memory.at(out, v * Width.ZMM.bytes()), weights[v]);
    }
    asm.add(bits, NonZeros.bitBytes(columns));
    asm.add(out, columns * Float.BYTES);
    asm.sub(features, 1);
    asm.jne(loop);
    asm.leave(registers);
    return asm.finish("widening-sparse-" + type.label() + "-" + columns);
  }
}
