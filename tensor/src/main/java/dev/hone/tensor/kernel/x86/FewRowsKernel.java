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
 * One to {@value #MOST_ROWS} rows times one panel in its own precision: {@code c[r, j] = start[j] +
 * Σk a[r, k] w[k, j]}. Each weight is read once from memory, made a float in a register and
 * multiplied there; such a product waits for memory, so fewer bytes are more speed.
 *
 * <pre>
 *              w   | vectors of columns      a tile of as many rows as there are registers for their
 *      a           +-------------------      sums; with several tiles, each takes some features of
 *   row 0          | sums                    the panel before the next takes the same, from the
 *   row 1          | sums                    first-level cache, and sums wait in memory meanwhile
 *   ...
 * </pre>
 */
final class FewRowsKernel {
  static final int MOST_ROWS = 16;

  /** Input features that are written out; groups and depth are multiples of it. */
  static final int UNROLL = 8;

  /**
   * Bytes of the panel that a tile takes before the next does, where there are several; fewer where
   * their group ends. Those of the next run come beside them in the first-level cache.
   */
  private static final int RUN_BYTES = 4096;

  /** Input features of such a run, at most. */
  private static final int MOST_OF_RUN = 128;

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
   * @param sums memory to use: {@link #sumBytes}
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
      MemorySegment sums,
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
    Segments.require(sums, rows, row, row);
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
        address(sums),
        address(start),
        address(scales),
        address(shifts),
        depth,
        group,
        aStride,
        address(c),
        cStride);
  }

  /** Bytes of the memory that a call uses for its sums. */
  static long sumBytes(int columns, int rows) {
    return (long) rows * columns * Float.BYTES;
  }

  static Assembly assemble(Width width, int columns, Source source, Shift shift, int rows) {
    return new Writer(width, columns, source, shift, rows).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Width width;
    private final int columns;
    private final Source source;
    private final Shift shift;
    private final int rows;
    private final int vectors;
    private final int tiles;
    private final int height;
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr a;
    private final Gpr data;
    private final Gpr sums;
    private final Gpr start;
    private final Gpr scales;
    private final Gpr shifts;
    private final Gpr depth;
    private final Gpr group;
    private final Gpr run;
    private final Gpr k;
    private final Gpr at;
    private final Gpr aStride;

    private final RowPointers aRows;
    private final Vec[] tile;
    private final Vec spread;
    private final Widener widener;

    Writer(Width width, int columns, Source source, Shift shift, int rows) {
      this.width = width;
      this.columns = columns;
      this.source = source;
      this.shift = shift;
      this.rows = rows;
      vectors = columns / width.floats();
      registers = new Registers(width);
      a = registers.argument("a of the run");
      data = registers.argument("data of the run");
      sums = registers.argument("sums");
      start = registers.argument("start");
      scales = registers.argument("scales of the group");
      shifts = registers.argument("shifts of the group");
      depth = registers.gpr("features left");
      group = registers.gpr("features left of the group");
      k = registers.gpr("features left of the run");
      at = registers.gpr("data, and other places");
      aStride = registers.gpr("stride of a");
      widener = new Widener(asm, registers, width, vectors, source, shift);
      spread = registers.vec("number of a");
      int most = registers.vecsLeft() / vectors;
      tiles = (rows + most - 1) / most;
      height = (rows + tiles - 1) / tiles;
      tile = registers.vecs("sum", height * vectors);
      aRows = new RowPointers(asm, registers, aStride, height);
      run = registers.gpr("features of the run");
    }

    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    Assembly write() {
      asm.enter(registers);
      asm.mov(depth, argument(0));
      asm.mov(group, argument(1));
      asm.mov(aStride, argument(2));
      widener.constants(k);
      begin();
      Label next = asm.here();
      Label sameGroup = new Label();
      widener.factors(scales, shifts);
      lengthOfRun();
      for (int t = 0; t < tiles; t++) {
        tile(t);
      }
      asm.mov(data, at);
      asm.lea(a, Memory.at(a, run, Float.BYTES, 0));
      asm.sub(group, run);
      asm.jne(sameGroup);
      if (source.scaled()) {
        asm.add(scales, columns * Float.BYTES);
        asm.add(shifts, shift.stride(columns));
      }
      asm.mov(group, argument(1));
      asm.bind(sameGroup);
      asm.sub(depth, run);
      asm.jne(next);
      end();
      asm.leave(registers);
      String label = source + "-" + shift + "-" + rows + "x" + columns;
      return asm.finish("few-rows-" + label.toLowerCase(Locale.ROOT));
    }

    private void begin() {
      for (int row = 0; row < (tiles == 1 ? rows : 1); row++) {
        for (int v = 0; v < vectors; v++) {
          asm.vmovups(sum(row, v), Memory.at(start, v * width.bytes()));
        }
      }
      for (int row = 0; row < (tiles == 1 ? 0 : rows); row++) {
        for (int v = 0; v < vectors; v++) {
          asm.vmovups(waiting(row, v), sum(0, v));
        }
      }
    }

    private void lengthOfRun() {
      Label ofGroup = new Label();
      Label ofDepth = new Label();
      asm.mov(run, group);
      asm.cmp(run, depth);
      asm.jle(ofGroup);
      asm.mov(run, depth); // the last group may be shorter
      asm.bind(ofGroup);
      if (tiles > 1) {
        asm.cmp(run, longestRun());
        asm.jle(ofDepth);
        asm.mov(run, longestRun());
        asm.bind(ofDepth);
      }
    }

    /** Input features. */
    private int longestRun() {
      int features = RUN_BYTES * source.features() / (columns * source.bytes());
      return Math.min(MOST_OF_RUN, features / UNROLL * UNROLL);
    }

    private int runBytes() {
      return longestRun() / source.features() * columns * source.bytes();
    }

    /** The run of some rows. */
    private void tile(int index) {
      int first = index * height;
      int count = Math.min(height, rows - first);
      aRows.begin(a, first, count);
      asm.mov(at, data);
      asm.mov(k, run);
      for (int i = 0; tiles > 1 && i < count * vectors; i++) {
        asm.vmovups(tile[i], waiting(first, i));
      }
      Label loop = asm.here();
      features(count, index);
      asm.add(at, UNROLL / source.features() * columns * source.bytes());
      aRows.advance(count, UNROLL * Float.BYTES);
      asm.sub(k, UNROLL);
      asm.jne(loop);
      for (int i = 0; tiles > 1 && i < count * vectors; i++) {
        asm.vmovups(waiting(first, i), tile[i]);
      }
    }

    private void features(int count, int index) {
      int stepBytes = columns * source.bytes();
      int ahead = tiles == 1 ? PREFETCH : Math.max(PREFETCH, runBytes()); // to the next run
      for (int step = 0; step < UNROLL / source.features(); step++) {
        for (int v = 0; v < vectors; v++) {
          int from = step * stepBytes + v * width.floats() * source.bytes();
          widener.load(v, Memory.at(at, from));
          int line = from / Width.ZMM.bytes();
          if (from % Width.ZMM.bytes() == 0 && line % tiles == index) { // each tile asks for some
            asm.prefetcht0(Memory.at(at, ahead + from));
          }
        }
        for (int feature = 0; feature < source.features(); feature++) {
          int number = (step * source.features() + feature) * Float.BYTES;
          for (int row = 0; row < count; row++) {
            asm.vbroadcastss(spread, aRows.at(row, number));
            for (int v = 0; v < vectors; v++) {
              asm.vfmadd231ps(sum(row, v), spread, widener.number(v, feature));
            }
          }
        }
      }
    }

    private void end() {
      asm.mov(at, argument(3));
      asm.mov(k, argument(4));
      for (int row = 0; row < rows; row++) {
        for (int v = 0; v < vectors; v++) {
          Vec from = tiles == 1 ? sum(row, v) : spread;
          if (tiles > 1) {
            asm.vmovups(from, waiting(row, v));
          }
          asm.vmovups(Memory.at(at, v * width.bytes()), from);
        }
        asm.add(at, k);
      }
    }

    private Vec sum(int row, int v) {
      return tile[row * vectors + v];
    }

    /** Where the sums of a row wait, or some behind them. */
    private Memory waiting(int row, int v) {
      return Memory.at(sums, (row * vectors + v) * width.bytes());
    }
  }
}
