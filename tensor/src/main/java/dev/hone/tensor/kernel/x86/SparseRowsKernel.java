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

/**
 * One to eight rows times one of {@link SparsePanels}: {@code c[r, j] = start[j] + Σk a[r, k] w[k,
 * j]}. Zeros are not read; each number is read once, and put at its place in a register.
 */
final class SparseRowsKernel {
  /** Rows whose sums fit in the registers. */
  static final int MOST_ROWS = 8;

  /**
   * @param columns of a panel
   */
  record Form(Plain type, int columns, int rows) {}

  private final Form form;
  private final MemorySegment code;

  SparseRowsKernel(Form form) {
    this.form = form;
    code = CodeMemory.install(assemble(form));
  }

  /**
   * @param a [rows] of {@code depth} floats, {@code aStride} bytes apart
   * @param bits [depth] of {@link SparsePanels}
   * @param numbers as many as bits are set, and a vector more
   * @param c [rows][columns], {@code cStride} bytes apart
   * @param start [columns] that the sums begin with
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment bits,
      MemorySegment numbers,
      MemorySegment c,
      long cStride,
      MemorySegment start,
      long depth) {
    if (depth <= 0) {
      throw new IllegalArgumentException("depth=" + depth);
    }
    int row = form.columns() * Float.BYTES;
    int bitBytes = NonZeros.bitBytes(form.columns());
    Segments.require(a, form.rows(), aStride, depth * Float.BYTES);
    Segments.require(bits, depth, bitBytes, bitBytes);
    Segments.require(c, form.rows(), cStride, row);
    Segments.require(start, 1, 0, row);
    CodeMemory.call(
        code,
        address(a),
        address(bits),
        address(numbers),
        address(c),
        address(start),
        depth,
        aStride,
        cStride);
  }

  static Assembly assemble(Form form) {
    int vectors = form.columns() / NonZeros.COLUMNS;
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.ZMM);
    Gpr a = registers.argument("a");
    Gpr bits = registers.argument("bits");
    Gpr numbers = registers.argument("numbers");
    Gpr c = registers.argument("c");
    Gpr start = registers.argument("start");
    Gpr depth = registers.argument("depth");
    Gpr aStride = registers.gpr("stride of a");
    Gpr cStride = registers.gpr("stride of c");
    RowPointers aRows = new RowPointers(asm, registers, aStride, form.rows());
    Vec[] sums = registers.vecs("sum", form.rows() * vectors);
    Vec[] weights = registers.vecs("weights", vectors);
    Vec spread = registers.vec("number of a");
    var nonZeros = new NonZeros(asm, registers, form.type(), bits, numbers);

    asm.enter(registers);
    asm.mov(aStride, Assembler.stackArgument(registers, 6));
    asm.mov(cStride, Assembler.stackArgument(registers, 7));
    aRows.begin(a, 0, form.rows());
    for (int i = 0; i < sums.length; i++) {
      asm.vmovups(sums[i], Memory.at(start, i % vectors * Width.ZMM.bytes()));
    }
    Label loop = asm.here();
    for (int v = 0; v < vectors; v++) {
      nonZeros.load(weights[v], NonZeros.bitBytes(v * NonZeros.COLUMNS));
    }
    for (int row = 0; row < form.rows(); row++) {
      asm.vbroadcastss(spread, aRows.at(row, 0));
      for (int v = 0; v < vectors; v++) {
        asm.vfmadd231ps(sums[row * vectors + v], spread, weights[v]);
      }
    }
    aRows.advance(form.rows(), Float.BYTES);
    asm.add(bits, NonZeros.bitBytes(form.columns()));
    asm.sub(depth, 1);
    asm.jne(loop);
    for (int row = 0; row < form.rows(); row++) {
      for (int v = 0; v < vectors; v++) {
        asm.vmovups(Memory.at(c, v * Width.ZMM.bytes()), sums[row * vectors + v]);
      }
      asm.add(c, cStride);
    }
    asm.leave(registers);
    return asm.finish(
        "sparse-rows-" + form.type().label() + "-" + form.rows() + "x" + form.columns());
  }
}
