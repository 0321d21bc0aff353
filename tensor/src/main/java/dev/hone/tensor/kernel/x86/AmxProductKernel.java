package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.TileWriter.Tile;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Tmm;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The product of {@link IntegerProductKernel} in its form of bytes, by tile instructions, which
 * take the same rows and the same panels where they lie. Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 1, chapter 18.
 *
 * <pre>
 *              b   16 units of 4 x 16 columns, 3 of them side by side
 *      a                 +-------+-------+-------+
 *   16 rows of 64 bytes  | sum 0 | sum 1 | sum 2 |    in tiles while k runs, then by way of the stack
 *                        +-------+-------+-------+    into vectors, which make floats of them
 * </pre>
 *
 * What is left of k after the last 16 units is multiplied in tiles of so many units; what is left
 * of the rows has a configuration of its own. The configuration is loaded in every call and given
 * up in it: it belongs to the thread.
 */
final class AmxProductKernel {
  /** With fewer a tile is more than half empty: vectors do those. */
  static final int LEAST_ROWS = 9;

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
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS));

  private static final int UNIT = 4;
  private static final int ROWS = 16;
  private static final int UNITS = 16;

  /** Of a tile's row. */
  private static final int ROW_BYTES = 64;

  private static final int TILE_BYTES = ROWS * ROW_BYTES;
  private static final int VECTORS = Tile.AVX512.vectors();
  private static final int COLUMNS = Tile.AVX512.columns();
  private static final int PANEL_STRIDE = COLUMNS * UNIT;

  /** Of a configuration; then where it has each tile's bytes of a row, and its rows. */
  private static final int CONFIGURATION = 64;

  private static final int COLUMN_BYTES = 16;
  private static final int TILE_ROWS = 48;

  private final MemorySegment code = CodeMemory.install(assemble());

  /** [units left, 0..15][rows - 1]. */
  private final MemorySegment configurations =
      Arena.global().allocate((long) UNITS * ROWS * CONFIGURATION, CONFIGURATION);

  AmxProductKernel() {
    for (int left = 0; left < UNITS; left++) {
      for (int rows = 1; rows <= ROWS; rows++) {
        configure(configuration(left, rows), left, rows);
      }
    }
  }

  private MemorySegment configuration(int left, int rows) {
    return configurations.asSlice(((long) left * ROWS + rows - 1) * CONFIGURATION, CONFIGURATION);
  }

  private static void configure(MemorySegment to, int left, int rows) {
    to.set(ValueLayout.JAVA_BYTE, 0, (byte) 1); // the palette
    for (Tmm sum : Writer.SUMS) {
      tile(to, sum, rows, ROW_BYTES);
    }
    tile(to, Writer.A, rows, ROW_BYTES);
    for (Tmm b : Writer.B) {
      tile(to, b, UNITS, ROW_BYTES);
    }
    if (left > 0) {
      tile(to, Writer.A_LEFT, rows, left * UNIT);
      tile(to, Writer.B_LEFT, left, ROW_BYTES);
    }
  }

  private static void tile(MemorySegment to, Tmm tile, int rows, int rowBytes) {
    to.set(ValueLayout.JAVA_SHORT, COLUMN_BYTES + 2L * tile.number(), (short) rowBytes);
    to.set(ValueLayout.JAVA_BYTE, (long) TILE_ROWS + tile.number(), (byte) rows);
  }

  /** As {@link IntegerProductKernel#run} has it, with bytes. */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment grids,
      MemorySegment b,
      MemorySegment scales,
      MemorySegment bias,
      MemorySegment c,
      long cStride,
      long rows,
      long units) {
    long panel = (long) COLUMNS * Float.BYTES;
    if (rows <= 0 || units <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", units=" + units);
    }
    Segments.require(a, rows, aStride, units * UNIT);
    Segments.require(grids, rows, Grids.BYTES, Grids.BYTES);
    Segments.require(b, units, PANEL_STRIDE, PANEL_STRIDE);
    Segments.require(scales, 1, 0, 2 * panel);
    Segments.require(bias, 1, 0, panel);
    Segments.require(c, rows, cStride, panel);
    int left = (int) (units % UNITS);
    MemorySegment whole = configuration(left, ROWS);
    MemorySegment last = configuration(left, (int) ((rows - 1) % ROWS) + 1);
    try {
      CALL.invokeExact(
          code, a, b, c, rows, units, grids, aStride, cStride, scales, bias, whole, last);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble() {
    return new Writer().write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    static final Tmm[] SUMS = {new Tmm(0), new Tmm(1), new Tmm(2)};
    static final Tmm A = new Tmm(3);
    static final Tmm[] B = {new Tmm(4), new Tmm(5)};
    static final Tmm A_LEFT = new Tmm(6);
    static final Tmm B_LEFT = new Tmm(7);

    /** Room for the sums, and for what lies below the stack pointer until then. */
    private static final int ROOM = VECTORS * TILE_BYTES + 64;

    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Tile.AVX512.width());
    private final Gpr a = registers.argument("a");
    private final Gpr b = registers.argument("b");
    private final Gpr c = registers.argument("c");
    private final Gpr rows = registers.argument("rows");
    private final Gpr units = registers.argument("units");
    private final Gpr grids = registers.argument("grids");
    private final Gpr k = registers.gpr("k");
    private final Gpr panel = registers.gpr("panel");
    private final Gpr aStride = registers.gpr("stride of a");
    private final Gpr cStride = registers.gpr("stride of c");
    private final Gpr bStride = registers.gpr("stride of b");
    private final Gpr place = registers.gpr("place in a");
    private final Gpr scales = registers.gpr("scales");
    private final Gpr bias = registers.gpr("bias");
    private final Gpr height = registers.gpr("rows of this tile");
    private final Vec scale = registers.vec("scale of a row");
    private final Vec zero = registers.vec("zero of a row");
    private final Vec[] numbers = registers.vecs("numbers", VECTORS);
    private final Vec[] factors = registers.vecs("factors", VECTORS);

    private Assembly write() {
      asm.enter(registers);
      asm.sub(Gpr.RSP, ROOM);
      asm.mov(aStride, argument(0));
      asm.mov(cStride, argument(1));
      asm.mov(scales, argument(2));
      asm.mov(bias, argument(3));
      asm.mov(bStride, PANEL_STRIDE);
      Label whole = new Label();
      Label again = asm.here();
      asm.mov(k, argument(4));
      asm.mov(height, ROWS);
      asm.cmp(rows, ROWS);
      asm.jge(whole);
      asm.mov(k, argument(5));
      asm.mov(height, rows);
      asm.bind(whole);
      asm.ldtilecfg(Memory.at(k, 0));
      multiply();
      store();
      asm.mov(k, aStride);
      asm.shl(k, Integer.numberOfTrailingZeros(ROWS));
      asm.add(a, k);
      asm.sub(rows, ROWS);
      asm.jg(again);
      asm.tilerelease();
      asm.add(Gpr.RSP, ROOM);
      asm.leave(registers);
      return asm.finish("product-tiles-16x" + COLUMNS);
    }

    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index).plus(ROOM);
    }

    private void multiply() {
      for (Tmm sum : SUMS) {
        asm.tilezero(sum);
      }
      asm.mov(place, a);
      asm.mov(panel, b);
      asm.mov(k, units);
      Label rest = new Label();
      Label done = new Label();
      asm.sub(k, UNITS);
      asm.jl(rest);
      Label loop = asm.here();
      step(A, B[0], B[1]);
      asm.add(place, ROW_BYTES);
      asm.add(panel, UNITS * PANEL_STRIDE);
      asm.sub(k, UNITS);
      asm.jge(loop);
      asm.bind(rest);
      asm.add(k, UNITS);
      asm.je(done);
      step(A_LEFT, B_LEFT, B_LEFT);
      asm.bind(done);
    }

    /** The tiles of b take turns: one is loaded while the other is multiplied. */
    private void step(Tmm a, Tmm even, Tmm odd) {
      asm.tileloadd(a, Memory.at(place, aStride, 1, 0));
      for (int v = 0; v < VECTORS; v++) {
        Tmm weights = v % 2 == 0 ? even : odd;
        asm.tileloadd(weights, Memory.at(panel, bStride, 1, v * ROW_BYTES));
        asm.tdpbusd(SUMS[v], a, weights);
      }
    }

    private void store() {
      asm.mov(k, ROW_BYTES);
      for (int v = 0; v < VECTORS; v++) {
        asm.tilestored(Memory.at(Gpr.RSP, k, 1, v * TILE_BYTES), SUMS[v]);
      }
      asm.mov(panel, Gpr.RSP);
      Label row = asm.here();
      asm.vbroadcastss(scale, Memory.at(grids, 0));
      asm.vpbroadcastd(zero, Memory.at(grids, Grids.ZERO));
      for (int v = 0; v < VECTORS; v++) {
        int at = v * ROW_BYTES;
        asm.vpmulld(numbers[v], zero, Memory.at(scales, COLUMNS * Float.BYTES + at));
        asm.vpaddd(numbers[v], numbers[v], Memory.at(panel, v * TILE_BYTES));
        asm.vcvtdq2ps(numbers[v], numbers[v]);
        asm.vmulps(factors[v], scale, Memory.at(scales, at));
        asm.vfmadd213ps(numbers[v], factors[v], Memory.at(bias, at));
        asm.vmovups(Memory.at(c, at), numbers[v]);
      }
      asm.add(c, cStride);
      asm.add(grids, Grids.BYTES);
      asm.add(panel, ROW_BYTES);
      asm.sub(height, 1);
      asm.jne(row);
    }
  }
}
