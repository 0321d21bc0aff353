package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.AmxForm.Pair;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Tmm;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Rows times panels of weights by tile instructions: {@code c[r, j] = bias[j] + Σk a[r, k] b[k,
 * j]}. Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
 *
 * <pre>
 *   b  [panel][step][part][2 tiles][16 groups of k][16 columns] of 4 bytes: k, k + 1 ... of a column
 *   a  [row][step][part] of 64 bytes: as many k
 *
 *                       b   | b 0   | b 1   |
 *      a                    +-------+-------+
 *   16 rows of 64 bytes     | sum 0 | sum 1 |   in tiles while the steps of a block run
 *   16 rows                 | sum 2 | sum 3 |
 *                           +-------+-------+
 * </pre>
 *
 * A block of a panel stays in the first-level cache while all rows pass; between two blocks the
 * sums wait in memory. From there, after the last one, they are written to c. Tiles are whole: what
 * lies behind the last row and the last k must be there, and that behind k must be zero in b. The
 * tiles' configuration is loaded in every call and given up in it: it belongs to the thread.
 */
final class AmxProductKernel {
  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS));

  /** Rows of two tiles. */
  static final int ROWS = 2 * AmxForm.SIDE;

  /** Bytes of their sums. */
  static final int SUM_BYTES = 4 * AmxForm.TILE_BYTES;

  /** What a block of a panel takes of the first-level cache, at most. */
  private static final int BLOCK_BYTES = 24 << 10;

  /** Of c that a panel makes of a row. */
  private static final int PANEL_ROW = AmxForm.COLUMNS * Float.BYTES;

  /** Each tile 16 rows of 64 bytes. Manual, volume 2, LDTILECFG. */
  private static final MemorySegment CONFIGURATION = Arena.global().allocate(64, 64);

  static {
    CONFIGURATION.set(ValueLayout.JAVA_BYTE, 0, (byte) 1); // the palette
    for (int tile = 0; tile < 8; tile++) {
      CONFIGURATION.set(ValueLayout.JAVA_SHORT, 16 + 2L * tile, (short) AmxForm.ROW_BYTES);
      CONFIGURATION.set(ValueLayout.JAVA_BYTE, 48L + tile, (byte) AmxForm.SIDE);
    }
  }

  private final AmxForm form;
  private final MemorySegment code;

  AmxProductKernel(AmxForm form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
  }

  AmxForm form() {
    return form;
  }

  /** Bytes that the sums of so many rows wait in. */
  static long sumBytes(long rows) {
    return (rows + ROWS - 1) / ROWS * SUM_BYTES;
  }

  /** The rows that must be there, so that the last tile is whole. */
  static long wholeTiles(long rows) {
    return (rows + AmxForm.SIDE - 1) / AmxForm.SIDE * AmxForm.SIDE;
  }

  /** What bytes by bytes are multiplied with to be numbers. */
  record Factors(MemorySegment grids, MemorySegment scales) {
    /** Of parts that are numbers themselves. */
    static final Factors NONE = new Factors(MemorySegment.NULL, MemorySegment.NULL);
  }

  /**
   * @param a rows, {@code aStride} bytes apart; to the end of a tile of 16
   * @param b [panels][steps] as above
   * @param c [rows][32 columns of each panel], {@code cStride} bytes apart
   * @param bias [32 columns]; those of the next panel {@code biasStride} bytes further on
   * @param sums {@link #sumBytes}, overwritten
   * @param factors of bytes: [rows] of {@link Grids}, and for each panel [32] scales and [32] sums
   *     of its columns
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment b,
      MemorySegment c,
      long cStride,
      long rows,
      long steps,
      long panels,
      MemorySegment bias,
      long biasStride,
      MemorySegment sums,
      Factors factors) {
    if (rows <= 0 || steps <= 0 || panels <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", steps=" + steps + ", panels=" + panels);
    }
    long panelBytes = steps * form.panelStep();
    Segments.require(a, wholeTiles(rows), aStride, steps * form.rowStep());
    Segments.require(b, panels, panelBytes, panelBytes);
    Segments.require(c, rows, cStride, panels * PANEL_ROW);
    Segments.require(bias, panels, biasStride, PANEL_ROW);
    Segments.require(sums, 1, 0, sumBytes(rows));
    if (form == AmxForm.INT8) {
      Segments.require(factors.grids(), rows, Grids.BYTES, Grids.BYTES);
      Segments.require(factors.scales(), panels, 2 * PANEL_ROW, 2 * PANEL_ROW);
    }
    long blocks = (panelBytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    long block = (steps + blocks - 1) / blocks;
    try {
      CALL.invokeExact(
          code,
          a,
          aStride,
          b,
          c,
          cStride,
          rows,
          steps,
          block,
          panels,
          bias,
          biasStride,
          sums,
          factors.grids(),
          factors.scales(),
          CONFIGURATION);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(AmxForm form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register, or a place on the stack. */
  private static final class Writer {
    private static final Tmm[][] SUMS = {
      {new Tmm(0), new Tmm(1)},
      {new Tmm(2), new Tmm(3)}
    };
    private static final Tmm[] A = {new Tmm(4), new Tmm(5)};
    private static final Tmm[] B = {new Tmm(6), new Tmm(7)};

    /** Lines of the next block that a step asks for: in four passes all of it. */
    private static final int PASSES = 4;

    private static final int LINE = 64;

    /** Room for six places, and for what lies below the stack pointer until then. */
    private static final int ROOM = 8 * Long.BYTES;

    private final AmxForm form;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final Gpr a = registers.argument("a");
    private final Gpr aStride = registers.argument("stride of a");
    private final Gpr b = registers.argument("b");
    private final Gpr c = registers.argument("c");
    private final Gpr cStride = registers.argument("stride of c");
    private final Gpr rows = registers.argument("rows");
    private final Gpr upper = registers.gpr("upper tile of a");
    private final Gpr lower = registers.gpr("lower tile of a");
    private final Gpr panel = registers.gpr("panel");
    private final Gpr k = registers.gpr("k");
    private final Gpr line = registers.gpr("stride of a tile of b");
    private final Gpr ahead = registers.gpr("ahead");
    private final Gpr left = registers.gpr("rows left");
    private final Gpr sums = registers.gpr("sums");
    private final Gpr out = registers.gpr("out");
    private final Vec[] bias = registers.vecs("bias", 2);
    private final Vec[] numbers = registers.vecs("numbers", 2);
    private final Vec[] scales = registers.vecs("scales", 2);
    private final Vec[] columnSums = registers.vecs("sums of columns", 2);
    private final Vec scale = registers.vec("scale of a row");
    private final Vec zero = registers.vec("zero of a row");

    private final Memory steps = argument(0);
    private final Memory block = argument(1);
    private final Memory panels = argument(2);
    private final Memory biasAt = argument(3);
    private final Memory biasStride = argument(4);
    private final Memory sumsAt = argument(5);
    private final Memory gridsAt = argument(6);
    private final Memory scalesAt = argument(7);
    private final Memory configuration = argument(8);
    private final Memory firstA = local(0);
    private final Memory tileOfA = local(1);
    private final Memory stepsLeft = local(2);
    private final Memory now = local(3);
    private final Memory blockOfA = local(4);
    private final Memory gridNow = local(5);

    Writer(AmxForm form) {
      this.form = form;
    }

    private static Memory local(int index) {
      return Memory.at(Gpr.RSP, index * Long.BYTES);
    }

    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index).plus(ROOM);
    }

    private Assembly write() {
      asm.enter(registers);
      asm.sub(Gpr.RSP, ROOM);
      asm.mov(k, configuration);
      asm.ldtilecfg(Memory.at(k, 0));
      asm.mov(firstA, a);
      asm.mov(k, aStride);
      asm.shl(k, Integer.numberOfTrailingZeros(AmxForm.SIDE));
      asm.mov(tileOfA, k);
      asm.mov(line, LINE);
      Label nextPanel = asm.here();
      asm.mov(a, firstA);
      asm.mov(k, steps);
      asm.mov(stepsLeft, k);
      Label nextBlock = asm.here();
      beginBlock();
      rows();
      asm.add(a, blockOfA);
      asm.mov(k, now);
      asm.shl(k, Integer.numberOfTrailingZeros(form.panelStep()));
      asm.add(b, k);
      asm.mov(k, stepsLeft);
      asm.sub(k, now);
      asm.mov(stepsLeft, k);
      asm.test(k, k);
      asm.jne(nextBlock);
      asm.add(c, PANEL_ROW);
      advance(biasAt, biasStride);
      if (form == AmxForm.INT8) {
        asm.mov(k, scalesAt);
        asm.add(k, 2 * PANEL_ROW);
        asm.mov(scalesAt, k);
      }
      asm.mov(k, panels);
      asm.sub(k, 1);
      asm.mov(panels, k);
      asm.jne(nextPanel);
      asm.tilerelease();
      asm.add(Gpr.RSP, ROOM);
      asm.leave(registers);
      return asm.finish("product-tiles-" + form.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }

    private void advance(Memory place, Memory by) {
      asm.mov(k, place);
      asm.add(k, by);
      asm.mov(place, k);
    }

    private void beginBlock() {
      Label whole = new Label();
      asm.mov(k, block);
      asm.cmp(k, stepsLeft);
      asm.jle(whole);
      asm.mov(k, stepsLeft);
      asm.bind(whole);
      asm.mov(now, k);
      asm.mov(ahead, k);
      asm.shl(k, Integer.numberOfTrailingZeros(form.rowStep()));
      asm.mov(blockOfA, k);
      asm.shl(ahead, Integer.numberOfTrailingZeros(form.panelStep()));
      asm.add(ahead, b);
      asm.mov(upper, a);
      asm.mov(left, rows);
      asm.mov(sums, sumsAt);
      asm.mov(out, c);
      if (form == AmxForm.INT8) {
        asm.mov(k, gridsAt);
        asm.mov(gridNow, k);
      }
    }

    /** All rows by a block of a panel. */
    private void rows() {
      Label oneTile = new Label();
      Label end = new Label();
      Label again = asm.here();
      asm.cmp(left, AmxForm.SIDE);
      asm.jle(oneTile);
      multiply(2);
      asm.sub(left, ROWS);
      asm.jg(again);
      asm.jmp(end);
      asm.bind(oneTile);
      multiply(1);
      asm.bind(end);
    }

    /** 16 or 32 rows by a block of a panel. */
    private void multiply(int tiles) {
      Label unfinished = new Label();
      begin(tiles);
      asm.mov(panel, b);
      if (tiles == 2) {
        asm.mov(lower, upper);
        asm.add(lower, tileOfA);
      }
      asm.mov(k, now);
      Label loop = asm.here();
      step(tiles);
      asm.add(upper, form.rowStep());
      if (tiles == 2) {
        asm.add(lower, form.rowStep());
      }
      asm.add(panel, form.panelStep());
      asm.sub(k, 1);
      asm.jne(loop);
      for (int i = 0; i < tiles; i++) {
        for (int j = 0; j < 2; j++) {
          asm.tilestored(sum(i, j), SUMS[i][j]);
        }
      }
      if (tiles == 2) {
        asm.mov(upper, lower);
        asm.sub(upper, blockOfA);
        asm.add(upper, tileOfA);
      }
      asm.mov(k, now);
      asm.cmp(k, stepsLeft);
      asm.jne(unfinished);
      finish(tiles);
      asm.bind(unfinished);
      asm.add(sums, SUM_BYTES);
    }

    /** The columns of both tiles side by side. */
    private Memory sum(int i, int j) {
      return Memory.at(sums, line, 2, i * 2 * AmxForm.TILE_BYTES + j * LINE);
    }

    private void begin(int tiles) {
      Label more = new Label();
      Label begun = new Label();
      asm.mov(k, stepsLeft);
      asm.cmp(k, steps);
      asm.jne(more);
      for (int i = 0; i < tiles; i++) {
        for (int j = 0; j < 2; j++) {
          asm.tilezero(SUMS[i][j]);
        }
      }
      asm.jmp(begun);
      asm.bind(more);
      for (int i = 0; i < tiles; i++) {
        for (int j = 0; j < 2; j++) {
          asm.tileloadd(SUMS[i][j], sum(i, j));
        }
      }
      asm.bind(begun);
    }

    /** A part is loaded when it is another than the pair before had. */
    private void step(int tiles) {
      int prefetches = form.panelStep() / LINE / PASSES / form.pairs().size();
      Pair before = new Pair(-1, -1);
      for (Pair pair : form.pairs()) {
        for (int j = 0; j < 2; j++) {
          if (pair.weight() != before.weight()) {
            int at = (pair.weight() * 2 + j) * AmxForm.TILE_BYTES;
            asm.tileloadd(B[j], Memory.at(panel, line, 1, at));
          }
          for (int i = 0; i < tiles; i++) {
            if (j == 0 && pair.row() != before.row()) {
              Gpr from = i == 0 ? upper : lower;
              asm.tileloadd(A[i], Memory.at(from, aStride, 1, pair.row() * AmxForm.ROW_BYTES));
            }
            multiplyAdd(SUMS[i][j], A[i], B[j]);
          }
        }
        for (int p = 0; p < prefetches; p++) {
          asm.prefetcht1(Memory.at(ahead, p * LINE));
        }
        asm.add(ahead, prefetches * LINE);
        before = pair;
      }
    }

    private void multiplyAdd(Tmm sum, Tmm a, Tmm b) {
      if (form == AmxForm.INT8) {
        asm.tdpbusd(sum, a, b);
      } else {
        asm.tdpbf16ps(sum, a, b);
      }
    }

    /** Writes the rows that there are to c. */
    private void finish(int tiles) {
      asm.mov(k, biasAt);
      for (int j = 0; j < 2; j++) {
        asm.vmovups(bias[j], Memory.at(k, j * LINE));
      }
      if (form == AmxForm.INT8) {
        asm.mov(k, scalesAt);
        for (int j = 0; j < 2; j++) {
          asm.vmovups(scales[j], Memory.at(k, j * LINE));
          asm.vmovups(columnSums[j], Memory.at(k, PANEL_ROW + j * LINE));
        }
        asm.mov(lower, gridNow);
      }
      Label whole = new Label();
      asm.mov(k, tiles * AmxForm.SIDE);
      asm.cmp(k, left);
      asm.jle(whole);
      asm.mov(k, left);
      asm.bind(whole);
      asm.mov(panel, sums);
      Label row = asm.here();
      if (form == AmxForm.INT8) {
        finishIntegers();
      } else {
        for (int j = 0; j < 2; j++) {
          asm.vaddps(numbers[j], bias[j], Memory.at(panel, j * LINE));
        }
      }
      for (int j = 0; j < 2; j++) {
        asm.vmovups(Memory.at(out, j * LINE), numbers[j]);
      }
      asm.add(panel, 2 * LINE);
      asm.add(out, cStride);
      asm.sub(k, 1);
      asm.jne(row);
      if (form == AmxForm.INT8) {
        asm.mov(gridNow, lower);
      }
    }

    /** {@code bias + (sum - zero * sum of the column) * scale of the row * scale of the column}. */
    private void finishIntegers() {
      asm.vbroadcastss(scale, Memory.at(lower, 0));
      asm.vpbroadcastd(zero, Memory.at(lower, Grids.ZERO));
      for (int j = 0; j < 2; j++) {
        asm.vpmulld(numbers[j], zero, columnSums[j]);
        asm.vpaddd(numbers[j], numbers[j], Memory.at(panel, j * LINE));
        asm.vcvtdq2ps(numbers[j], numbers[j]);
        asm.vmulps(numbers[j], numbers[j], scale);
        asm.vfmadd213ps(numbers[j], scales[j], bias[j]);
      }
      asm.add(lower, Grids.BYTES);
    }
  }
}
