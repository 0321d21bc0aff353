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
 * Turns rows into columns of panels: {@code out[d][r] = rows[r][d]}, and on to the next panel where
 * one is full. Eight by eight numbers at a time; rows that are left, number by number.
 */
final class TransposeKernel {
  /** What the rows' length must be a multiple of. */
  static final int STEP = 8;

  private final int columns;
  private final MemorySegment code;

  /**
   * @param columns of a panel
   */
  TransposeKernel(int columns) {
    this.columns = columns;
    this.code = CodeMemory.install(assemble(columns));
  }

  /** Of a panel. */
  int columns() {
    return columns;
  }

  /**
   * @param in [rows][length], {@code stride} bytes apart
   * @param out [length] times a panel's columns, from the first one to be written on; for more rows
   *     than these, [panels][length][columns]
   */
  void run(MemorySegment in, long stride, long rows, long length, MemorySegment out) {
    if (rows <= 0 || length <= 0 || length % STEP != 0) {
      throw new IllegalArgumentException("rows=" + rows + ", length=" + length);
    }
    long whole = (rows - 1) / columns; // panels before the last
    long columnBytes = (long) columns * Float.BYTES;
    Segments.require(in, rows, stride, length * Float.BYTES);
    Segments.require(
        out, (whole + 1) * length, columnBytes, (rows - whole * columns) * Float.BYTES);
    CodeMemory.call(code, address(in), stride, rows, length, address(out));
  }

  static Assembly assemble(int columns) {
    return new Writer(columns).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final int columns;
    private final int outStride;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.YMM);
    private final Gpr in = registers.argument("in");
    private final Gpr stride = registers.argument("stride");
    private final Gpr rows = registers.argument("rows");
    private final Gpr length = registers.argument("length");
    private final Gpr out = registers.argument("out");
    private final Gpr row0 = registers.gpr("row 0");
    private final Gpr row3 = registers.gpr("row 3");
    private final Gpr row6 = registers.gpr("row 6");
    private final Gpr to = registers.gpr("to");
    private final Gpr count = registers.gpr("count");
    private final Gpr left = registers.gpr("eights left of the panel");
    private final Vec[] read = registers.vecs("read", 4);
    private final Vec[] pairs = registers.vecs("pairs", 4);
    private final Vec column = registers.vec("column");

    Writer(int columns) {
      this.columns = columns;
      outStride = columns * Float.BYTES;
    }

    Assembly write() {
      Label few = new Label();
      Label same = new Label();
      Label end = new Label();
      asm.enter(registers);
      asm.mov(left, columns / STEP);
      asm.sub(rows, STEP);
      asm.jl(few);
      Label loop = asm.here();
      eightRows();
      asm.lea(in, Memory.at(in, stride, STEP, 0));
      asm.add(out, STEP * Float.BYTES);
      asm.sub(left, 1);
      asm.jne(same);
      // where the eight rows have ended, the next panel has the same columns
      asm.lea(out, Memory.at(to, (STEP - columns) * Float.BYTES));
      asm.mov(left, columns / STEP);
      asm.bind(same);
      asm.sub(rows, STEP);
      asm.jge(loop);
      asm.bind(few);
      asm.add(rows, STEP);
      asm.je(end);
      Label one = asm.here();
      oneRow();
      asm.add(in, stride);
      asm.add(out, Float.BYTES);
      asm.sub(rows, 1);
      asm.jne(one);
      asm.bind(end);
      asm.leave(registers);
      return asm.finish("transpose-" + outStride / Float.BYTES);
    }

    private void eightRows() {
      asm.mov(row0, in);
      asm.lea(row3, Memory.at(row0, stride, 2, 0));
      asm.add(row3, stride);
      asm.lea(row6, Memory.at(row3, stride, 2, 0));
      asm.add(row6, stride);
      asm.mov(to, out);
      asm.mov(count, length);
      Label loop = asm.here();
      fourColumns(0);
      fourColumns(4);
      for (Gpr row : new Gpr[] {row0, row3, row6}) {
        asm.add(row, STEP * Float.BYTES);
      }
      asm.add(to, STEP * outStride);
      asm.sub(count, STEP);
      asm.jne(loop);
    }

    /** Rows 0 to 3 in the lower halves, 4 to 7 in the upper. */
    private void fourColumns(int first) {
      int at = first * Float.BYTES;
      Memory[] eight = {
        Memory.at(row0, at),
        Memory.at(row0, stride, 1, at),
        Memory.at(row0, stride, 2, at),
        Memory.at(row3, at),
        Memory.at(row0, stride, 4, at),
        Memory.at(row3, stride, 2, at),
        Memory.at(row6, at),
        Memory.at(row6, stride, 1, at)
      };
      for (int i = 0; i < 4; i++) {
        asm.vmovups(new Vec(Width.XMM, read[i].number()), eight[i]);
        asm.vinsertf128(read[i], read[i], eight[i + 4]);
      }
      asm.vunpcklps(pairs[0], read[0], read[1]);
      asm.vunpckhps(pairs[1], read[0], read[1]);
      asm.vunpcklps(pairs[2], read[2], read[3]);
      asm.vunpckhps(pairs[3], read[2], read[3]);
      for (int i = 0; i < 4; i++) {
        asm.vshufps(column, pairs[i / 2], pairs[i / 2 + 2], i % 2 == 0 ? 0x44 : 0xEE);
        asm.vmovups(Memory.at(to, (first + i) * outStride), column);
      }
    }

    private void oneRow() {
      asm.mov(row0, in);
      asm.mov(to, out);
      asm.mov(count, length);
      Label loop = asm.here();
      asm.vbroadcastss(column, Memory.at(row0, 0));
      asm.vmovss(Memory.at(to, 0), column);
      asm.add(row0, Float.BYTES);
      asm.add(to, outStride);
      asm.sub(count, 1);
      asm.jne(loop);
    }
  }
}
