package dev.hone.tensor.kernel.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Rows times one panel of weights: {@code c[r, j] += Σk a[r, k] b[k, j]}, in F32.
 *
 * <pre>
 *   a  rows a stride apart            b  [k][COLUMNS]            c  rows a stride apart
 *
 *              b   | b 0 | b 1 |      a tile of 6 x 2 vectors (AVX2), 9 x 3 (AVX-512):
 *      a           +-----+-----+      all its sums stay in registers while k runs;
 *   row 0: a[0,k]  | sum | sum |      each step loads a row of b, and spreads one number of
 *   row 1: a[1,k]  | sum | sum |      each row of a over a register
 *   ...
 * </pre>
 *
 * Rows are read where they lie: three of them are reached from one register by the stride, its
 * double, and none. What is left after the last whole tile runs as a tile of its own height.
 */
final class ProductKernel {
  /** Steps of k that are written out: they share the work of moving on. */
  private static final int UNROLL = 4;

  /** How far ahead of its use the panel is asked for, in bytes. */
  private static final int PREFETCH = 512;

  /** Rows that one register reaches. */
  private static final int REACH = 3;

  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG));

  private final Shape shape;
  private final MemorySegment code;

  /**
   * @param height rows of a tile
   * @param vectors across a tile
   */
  record Shape(Width width, int height, int vectors) {
    static final Shape AVX2 = new Shape(Width.YMM, 6, 2);
    static final Shape AVX512 = new Shape(Width.ZMM, 9, 3);

    /** Columns of a panel. */
    int columns() {
      return vectors * width.floats();
    }

    String label() {
      return "product-f32-" + height + "x" + columns();
    }
  }

  ProductKernel(Shape shape) {
    this.shape = shape;
    this.code = CodeMemory.install(assemble(shape));
  }

  int columns() {
    return shape.columns();
  }

  int height() {
    return shape.height();
  }

  /**
   * @param a [rows] of {@code depth} floats, {@code aStride} bytes apart
   * @param b [depth][columns]
   * @param c [rows][columns], {@code cStride} bytes apart
   * @param start [columns] that the sums begin with; {@link MemorySegment#NULL}: with what c holds
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment b,
      MemorySegment c,
      long cStride,
      long rows,
      long depth,
      MemorySegment start) {
    long panel = (long) columns() * Float.BYTES;
    if (rows <= 0 || depth <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", depth=" + depth);
    }
    Segments.require(a, rows, aStride, depth * Float.BYTES);
    Segments.require(b, depth, panel, panel);
    Segments.require(c, rows, cStride, panel);
    if (!start.equals(MemorySegment.NULL)) {
      Segments.require(start, 1, 0, panel);
    }
    try {
      CALL.invokeExact(code, a, b, c, rows, depth, start, aStride, cStride);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static Assembly assemble(Shape shape) {
    return new Writer(shape).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Shape shape;
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr a;
    private final Gpr b;
    private final Gpr c;
    private final Gpr rows;
    private final Gpr depth;
    private final Gpr start;
    private final Gpr aStride;
    private final Gpr cStride;
    private final Gpr k;
    private final Gpr panel;

    /** One for every {@link #REACH} rows of a tile. */
    private final Gpr[] aRows;

    private final Vec[] sums;
    private final Vec[] bs;
    private final Vec[] spread;

    Writer(Shape shape) {
      this.shape = shape;
      registers = new Registers(shape.width());
      a = registers.argument("a");
      b = registers.argument("b");
      c = registers.argument("c");
      rows = registers.argument("rows");
      depth = registers.argument("depth");
      start = registers.argument("start");
      k = registers.gpr("k");
      panel = registers.gpr("panel");
      aStride = registers.gpr("stride of a");
      cStride = registers.gpr("stride of c");
      aRows = new Gpr[(shape.height() + REACH - 1) / REACH];
      for (int i = 0; i < aRows.length; i++) {
        aRows[i] = registers.gpr("a of row " + i * REACH);
      }
      sums = registers.vecs("sum", shape.height() * shape.vectors());
      bs = registers.vecs("b", shape.vectors());
      spread = registers.vecs("number of a", 2);
    }

    Assembly write() {
      Label end = new Label();
      asm.enter(registers);
      asm.mov(aStride, Assembler.stackArgument(registers, 6));
      asm.mov(cStride, Assembler.stackArgument(registers, 7));
      for (int height = shape.height(); height > 0; height--) {
        Label again = asm.here();
        Label fewer = new Label();
        asm.cmp(rows, height);
        asm.jl(fewer);
        tile(height);
        asm.sub(rows, height);
        if (height == shape.height()) {
          asm.jmp(again);
        } else {
          asm.jmp(end); // fewer rows than a whole tile: this was all
        }
        asm.bind(fewer);
      }
      asm.bind(end);
      asm.leave(registers);
      return asm.finish(shape.label());
    }

    /** A tile, and on to the rows below it. */
    private void tile(int height) {
      begin(height);
      asm.mov(aRows[0], a);
      for (int row = REACH; row < height; row += REACH) {
        Gpr before = aRows[row / REACH - 1];
        asm.lea(aRows[row / REACH], Memory.at(before, aStride, 2, 0));
        asm.add(aRows[row / REACH], aStride);
      }
      asm.mov(panel, b);
      asm.mov(k, depth);
      Label rest = new Label();
      Label done = new Label();
      asm.sub(k, UNROLL);
      asm.jl(rest);
      Label loop = asm.here();
      steps(height, UNROLL);
      asm.sub(k, UNROLL);
      asm.jge(loop);
      asm.bind(rest);
      asm.add(k, UNROLL);
      asm.je(done);
      Label one = asm.here();
      steps(height, 1);
      asm.sub(k, 1);
      asm.jne(one);
      asm.bind(done);
      store(height);
    }

    /** The sums, from {@code start} or from c. */
    private void begin(int height) {
      Label fromC = new Label();
      Label begun = new Label();
      asm.test(start, start);
      asm.je(fromC);
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < shape.vectors(); v++) {
          asm.vmovups(sum(row, v), Memory.at(start, v * shape.width().bytes()));
        }
      }
      asm.jmp(begun);
      asm.bind(fromC);
      asm.mov(panel, c);
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < shape.vectors(); v++) {
          asm.vmovups(sum(row, v), Memory.at(panel, v * shape.width().bytes()));
        }
        asm.add(panel, cStride);
      }
      asm.bind(begun);
    }

    private void steps(int height, int count) {
      int panelBytes = shape.columns() * Float.BYTES;
      for (int step = 0; step < count; step++) {
        for (int v = 0; v < shape.vectors(); v++) {
          int at = step * panelBytes + v * shape.width().bytes();
          asm.vmovups(bs[v], Memory.at(panel, at));
          if (at % Width.ZMM.bytes() == 0) { // a line of the cache
            asm.prefetcht0(Memory.at(panel, PREFETCH + at));
          }
        }
        for (int row = 0; row < height; row++) {
          Vec x = spread[row % spread.length];
          asm.vbroadcastss(x, number(row, step * Float.BYTES));
          for (int v = 0; v < shape.vectors(); v++) {
            asm.vfmadd231ps(sum(row, v), x, bs[v]);
          }
        }
      }
      asm.add(panel, count * panelBytes);
      for (int row = 0; row < height; row += REACH) {
        asm.add(aRows[row / REACH], count * Float.BYTES);
      }
    }

    private Memory number(int row, int displacement) {
      Gpr first = aRows[row / REACH];
      return row % REACH == 0
          ? Memory.at(first, displacement)
          : Memory.at(first, aStride, row % REACH, displacement);
    }

    private void store(int height) {
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < shape.vectors(); v++) {
          asm.vmovups(Memory.at(c, v * shape.width().bytes()), sum(row, v));
        }
        asm.add(c, cStride);
        asm.add(a, aStride);
      }
    }

    private Vec sum(int row, int vector) {
      return sums[row * shape.vectors() + vector];
    }
  }
}
