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
import java.util.List;

/**
 * One of {@link SparsePanels} of 32 columns as products by tiles read it, zeros among the numbers:
 * two input features of a column side by side, each in as many parts of BF16 as the form has.
 */
final class SparseTilesKernel {
  /** Whose weights are floats: BF16 and F32. */
  static final List<AmxForm> FORMS = List.of(AmxForm.FLOATS_BF16, AmxForm.FLOATS);

  private final AmxForm form;
  private final MemorySegment code;

  SparseTilesKernel(AmxForm form) {
    this.form = form;
    code = CodeMemory.install(assemble(form));
  }

  /**
   * @param bits [steps of 32 input features] of {@link SparsePanels}
   * @param numbers as many as bits are set, and a vector more
   * @param out [steps][part][2 tiles]
   */
  void run(MemorySegment bits, MemorySegment numbers, MemorySegment out, long steps) {
    long bitBytes = (long) form.depth() * NonZeros.bitBytes(AmxForm.COLUMNS);
    Segments.require(bits, steps, bitBytes, bitBytes);
    Segments.require(out, steps, form.panelStep(), form.panelStep());
    CodeMemory.call(code, address(bits), address(numbers), address(out), steps);
  }

  static Assembly assemble(AmxForm form) {
    Plain type = form == AmxForm.FLOATS ? Plain.F32 : Plain.BF16;
    int parts = form.panelStep() / (2 * AmxForm.TILE_BYTES);
    int vectors = AmxForm.COLUMNS / NonZeros.COLUMNS;
    int bitBytes = NonZeros.bitBytes(AmxForm.COLUMNS);
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.ZMM);
    Gpr bits = registers.argument("bits");
    Gpr numbers = registers.argument("numbers");
    Gpr out = registers.argument("out");
    Gpr steps = registers.argument("steps");
    Gpr pairs = registers.gpr("pairs");
    Vec[] even = registers.vecs("even feature", vectors);
    Vec[] odd = registers.vecs("odd feature", vectors);
    Vec evenPart = registers.vec("part of the even feature");
    Vec oddPart = registers.vec("part of the odd feature");
    var split = new SplitParts(asm, registers);
    var nonZeros = new NonZeros(asm, registers, type, bits, numbers);

    asm.enter(registers);
    split.begin(pairs);
    Label step = asm.here();
    asm.mov(pairs, AmxForm.SIDE);
    Label pair = asm.here();
    for (int v = 0; v < vectors; v++) {
      nonZeros.load(even[v], NonZeros.bitBytes(v * NonZeros.COLUMNS));
    }
    for (int v = 0; v < vectors; v++) {
      nonZeros.load(odd[v], bitBytes + NonZeros.bitBytes(v * NonZeros.COLUMNS));
    }
    for (int v = 0; v < vectors; v++) {
      Memory to = Memory.at(out, v * AmxForm.TILE_BYTES);
      split.storePair(even[v], odd[v], evenPart, oddPart, parts, to, 2 * AmxForm.TILE_BYTES);
    }
    asm.add(bits, 2 * bitBytes);
    asm.add(out, AmxForm.ROW_BYTES);
    asm.sub(pairs, 1);
    asm.jne(pair);
    asm.add(out, form.panelStep() - AmxForm.TILE_BYTES);
    asm.sub(steps, 1);
    asm.jne(step);
    asm.leave(registers);
    return asm.finish("tiles-of-sparse-" + type.label());
  }
}
