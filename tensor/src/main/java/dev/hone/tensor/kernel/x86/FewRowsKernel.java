package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.Widener.Shift;
import dev.hone.tensor.kernel.x86.Widener.Source;
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
import java.util.Locale;

/**
 * One to three rows times one panel in its own precision: {@code c[r, j] = start[j] + Σk a[r, k]
 * w[k, j]}. Each weight is read once, made a float in a register and multiplied there; such a
 * product waits for memory, so fewer bytes are more speed.
 */
final class FewRowsKernel {
  /** Rows that one register reaches by the stride, its double, and none. */
  static final int MOST_ROWS = 3;

  /** Input features that are written out; groups and depth are multiples of it. */
  static final int UNROLL = 8;

  /** How far ahead of its use the panel is asked for, in bytes. */
  private static final int PREFETCH = 1024;

  private final int columns;
  private final Source source;
  private final Shift shift;
  private final int rows;
  private final MemorySegment code;

  FewRowsKernel(Width width, int columns, Source source, Shift shift, int rows) {
    this.columns = columns;
    this.source = source;
    this.shift = shift;
    this.rows = rows;
    code = CodeMemory.install(assemble(width, columns, source, shift, rows));
  }

  /**
   * @param a [rows] of {@code depth} floats, {@code aStride} bytes apart
   * @param data [depth][columns], or [depth / 2][columns] of nibbles
   * @param c [rows][columns], {@code cStride} bytes apart
   * @param start [columns] that the sums begin with
   * @param scales [depth / group][columns] floats, if the source has scales
   * @param shifts for each group what {@link Shift} says
   * @param depth a multiple of {@link #UNROLL}
   * @param group input features that share a scale; a multiple of {@link #UNROLL}
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment data,
      MemorySegment c,
      long cStride,
      MemorySegment start,
      MemorySegment scales,
      MemorySegment shifts,
      long depth,
      long group) {
    if (depth <= 0 || depth % UNROLL != 0 || group <= 0 || group % UNROLL != 0) {
      throw new IllegalArgumentException("depth=" + depth + ", group=" + group);
    }
    long steps = depth / source.features();
    long dataRow = (long) columns * source.bytes();
    long row = (long) columns * Float.BYTES;
    Segments.require(a, rows, aStride, depth * Float.BYTES);
    Segments.require(data, steps, dataRow, dataRow);
    Segments.require(c, rows, cStride, row);
    Segments.require(start, 1, 0, row);
    if (source.scaled()) {
      long groups = (depth + group - 1) / group;
      Segments.require(scales, groups, row, row);
      Segments.require(shifts, groups, shift.stride(columns), shift.bytes(columns));
    }
    CodeMemory.call(
        code,
        address(a),
        address(data),
        address(c),
        address(start),
        address(scales),
        address(shifts),
        depth,
        group,
        aStride,
        cStride);
  }

  static Assembly assemble(Width width, int columns, Source source, Shift shift, int rows) {
    int vectors = columns / width.floats();
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    Gpr a = registers.argument("a");
    Gpr data = registers.argument("data");
    Gpr c = registers.argument("c");
    Gpr start = registers.argument("start");
    Gpr scales = registers.argument("scales");
    Gpr shifts = registers.argument("shifts");
    Gpr k = registers.gpr("k");
    Gpr depth = registers.gpr("depth");
    Gpr group = registers.gpr("group");
    Gpr aStride = registers.gpr("stride of a");
    Gpr cStride = registers.gpr("stride of c");
    Vec[] sums = registers.vecs("sum", rows * vectors);
    Vec spread = registers.vec("number of a");
    Widener widener = new Widener(asm, registers, width, vectors, source, shift);

    asm.enter(registers);
    asm.mov(depth, Assembler.stackArgument(registers, 6));
    asm.mov(group, Assembler.stackArgument(registers, 7));
    asm.mov(aStride, Assembler.stackArgument(registers, 8));
    asm.mov(cStride, Assembler.stackArgument(registers, 9));
    widener.constants(k);
    for (int i = 0; i < sums.length; i++) {
      asm.vmovups(sums[i], Memory.at(start, i % vectors * width.bytes()));
    }
    Label groups = asm.here();
    Label whole = new Label();
    widener.factors(scales, shifts);
    asm.mov(k, group);
    asm.cmp(depth, group);
    asm.jge(whole);
    asm.mov(k, depth); // the last group may be shorter
    asm.bind(whole);
    Label loop = asm.here();
    int stepBytes = columns * source.bytes();
    for (int step = 0; step < UNROLL / source.features(); step++) {
      for (int v = 0; v < vectors; v++) {
        int at = step * stepBytes + v * width.floats() * source.bytes();
        widener.load(v, Memory.at(data, at));
        if (at % Width.ZMM.bytes() == 0) { // a line of the cache
          asm.prefetcht0(Memory.at(data, PREFETCH + at));
        }
      }
      for (int feature = 0; feature < source.features(); feature++) {
        int number = (step * source.features() + feature) * Float.BYTES;
        for (int row = 0; row < rows; row++) {
          asm.vbroadcastss(
              spread, row == 0 ? Memory.at(a, number) : Memory.at(a, aStride, row, number));
          for (int v = 0; v < vectors; v++) {
            asm.vfmadd231ps(sums[row * vectors + v], spread, widener.number(v, feature));
          }
        }
      }
    }
    asm.add(data, UNROLL / source.features() * stepBytes);
    asm.add(a, UNROLL * Float.BYTES);
    asm.sub(depth, UNROLL);
    asm.sub(k, UNROLL);
    asm.jne(loop);
    if (source.scaled()) {
      asm.add(scales, columns * Float.BYTES);
      asm.add(shifts, shift.stride(columns));
    }
    asm.test(depth, depth);
    asm.jne(groups);
    for (int row = 0; row < rows; row++) {
      for (int v = 0; v < vectors; v++) {
        asm.vmovups(Memory.at(c, v * width.bytes()), sums[row * vectors + v]);
      }
      asm.add(c, cStride);
    }
    asm.leave(registers);
    String label = source + "-" + shift + "-" + rows + "x" + columns;
    return asm.finish("few-rows-" + label.toLowerCase(Locale.ROOT));
  }
}
