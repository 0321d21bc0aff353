package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.panels.BlockPanels;
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
import java.util.Arrays;

/**
 * One to {@value #MOST_ROWS} rows of rounded blocks times panels: {@code c[r, j] = start[j] + Σ
 * over blocks of scale[r] scale[j] Σk a[r, k] q[k, j]}. The inner sums are exact integers.
 *
 * <pre>
 *              w   | two vectors of columns      tiles of so many rows that the integer sums of a
 *      a           +-----------------------      block stay in registers; the float sums of all
 *   row 0          | sums of the block           blocks so far wait in memory that the first-level
 *   row 1          | sums of the block           cache holds
 *   ...
 * </pre>
 *
 * All rows take a block of a panel before the next comes, and ask for what lies ahead all the
 * while: so memory never waits for them. Panels follow each other in one call, as one stream.
 */
final class BlockProductKernel {
  /** More are multiplied some at a time. */
  static final int MOST_ROWS = 48;

  private final BlockForm form;
  private final int rows;
  private final MemorySegment code;

  BlockProductKernel(BlockForm form, int rows) {
    this.form = form;
    this.rows = rows;
    this.code = CodeMemory.install(assemble(form, rows));
  }

  /** Bytes of the memory that a call uses for its sums. */
  static long sumBytes(BlockForm form, int rows) {
    return (long) rows * form.columns() * Float.BYTES;
  }

  /**
   * @param a [blocks][rows] of blocks as {@link BlockRoundingKernel} leaves them
   * @param w [panels] of {@code blocks} blocks: {@link BlockPanels}
   * @param sums memory to use: {@link #sumBytes}
   * @param c [rows][panels * columns], {@code cStride} bytes apart
   * @param start that the sums of a panel begin with: [columns], those of the next panel {@code
   *     startStep} bytes further on
   */
  void run(
      MemorySegment a,
      MemorySegment w,
      MemorySegment sums,
      MemorySegment c,
      long cStride,
      MemorySegment start,
      long startStep,
      long panels,
      long blocks) {
    if (panels <= 0 || blocks <= 0) {
      throw new IllegalArgumentException("panels=" + panels + ", blocks=" + blocks);
    }
    long width = (long) form.columns() * Float.BYTES;
    long rowBytes = rows * (long) form.rowBlockBytes();
    long blockBytes = form.panels().bytes();
    Segments.require(a, blocks, rowBytes, rowBytes);
    Segments.require(w, panels * blocks, blockBytes, blockBytes);
    Segments.require(sums, rows, width, width);
    Segments.require(c, rows, cStride, panels * width);
    Segments.require(start, panels, startStep, width);
    CodeMemory.call(
        code,
        address(a),
        address(w),
        address(sums),
        address(c),
        cStride,
        blocks,
        panels,
        address(start),
        startStep);
  }

  static Assembly assemble(BlockForm form, int rows) {
    return new Writer(form, rows).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    /** How far ahead of its use the panel is asked for, in bytes. */
    private static final int PREFETCH = 4096;

    /**
     * Rows times steps that a loop has, about: more code than a processor keeps decoded is slower.
     */
    private static final int UNROLLED = 24;

    /** Two nibbles of a byte are two steps. */
    private static final int LEAST_STEPS = 2;

    private static final int LOW_NIBBLES = 0;
    private static final int ONES = 1;
    private static final int[] CONSTANTS = {0x0F0F0F0F, 0x00010001};

    private final BlockForm form;
    private final BlockPanels.Form panelForm;
    private final Width width;
    private final int rows;
    private final int tiles;
    private final int height;

    /** A block is so many rounds of a loop, each of so many steps. */
    private final int rounds;

    private final int steps;

    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr a;
    private final Gpr w;
    private final Gpr sums;
    private final Gpr c;
    private final Gpr cStride;
    private final Gpr blocks;
    private final Gpr constants;
    private final Gpr at;
    private final Gpr left;
    private final Gpr stepA;
    private final Gpr stepW;
    private final Gpr stepsLeft;
    private final Vec[][] counts;
    private final Vec[] ws;
    private final Vec spread;
    private final Vec product;
    private final Memory panelsLeft;
    private final Memory start;
    private final Memory startStep;
    private final Label table = new Label();

    Writer(BlockForm form, int rows) {
      this.form = form;
      this.rows = rows;
      panelForm = form.panels();
      width = form.width();
      tiles = (rows + form.height() - 1) / form.height();
      height = (rows + tiles - 1) / tiles;
      int all = Input.BLOCK / form.arithmetic().unit();
      int some = Integer.highestOneBit(Math.max(LEAST_STEPS, UNROLLED / height));
      steps = Math.min(all, some);
      rounds = all / steps;
      registers = new Registers(width);
      a = registers.argument("a");
      w = registers.argument("w");
      sums = registers.argument("sums");
      c = registers.argument("c of the panel");
      cStride = registers.argument("stride of c");
      blocks = registers.argument("blocks");
      constants = registers.gpr("constants");
      at = registers.gpr("a of the block, and other places");
      left = registers.gpr("blocks left");
      stepA = registers.gpr("a of the steps");
      stepW = registers.gpr("w of the steps");
      stepsLeft = registers.gpr("rounds of steps left");
      counts = new Vec[height][];
      Arrays.setAll(
          counts, row -> registers.vecs("sum of the block, row " + row + ',', BlockForm.VECTORS));
      ws = registers.vecs("w", BlockForm.VECTORS);
      spread = registers.vec("numbers of a");
      product = registers.vec("product");
      panelsLeft = argument(0);
      start = argument(1);
      startStep = argument(2);
    }

    /** An argument behind the sixth: this function's own memory. */
    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    Assembly write() {
      asm.enter(registers);
      asm.lea(constants, table);
      Label panel = asm.here(); // one begins where the one before has ended
      begin();
      asm.mov(at, a);
      asm.mov(left, blocks);
      Label block = asm.here();
      for (int tile = 0; tile < tiles; tile++) {
        int first = tile * height;
        tile(first, Math.min(height, rows - first), tile);
      }
      asm.add(w, panelForm.bytes());
      asm.add(at, rows * form.rowBlockBytes());
      asm.sub(left, 1);
      asm.jne(block);
      store();
      asm.mov(left, panelsLeft);
      asm.sub(left, 1);
      asm.mov(panelsLeft, left);
      asm.jne(panel);
      asm.leave(registers);
      asm.constant(table, constants());
      return asm.finish("product-" + form + "-" + rows);
    }

    private static float[] constants() {
      int each = Width.ZMM.floats();
      float[] all = new float[CONSTANTS.length * each];
      for (int i = 0; i < all.length; i++) {
        all[i] = Float.intBitsToFloat(CONSTANTS[i / each]);
      }
      return all;
    }

    private Memory constant(int index) {
      return Memory.at(constants, index * Width.ZMM.bytes());
    }

    /** What the sums of a panel begin with, and on to the next panel's. */
    private void begin() {
      asm.mov(at, start);
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        asm.vmovups(ws[v], Memory.at(at, v * width.bytes()));
        for (int row = 0; row < rows; row++) {
          asm.vmovups(sum(row, v), ws[v]);
        }
      }
      asm.mov(left, startStep);
      asm.add(at, left);
      asm.mov(start, at);
    }

    /** Brings the sums of a panel to c, and moves on to the next panel's. */
    private void store() {
      asm.mov(at, c);
      for (int row = 0; row < rows; row++) {
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          asm.vmovups(ws[v], sum(row, v));
          asm.vmovups(Memory.at(at, v * width.bytes()), ws[v]);
        }
        asm.add(at, cStride);
      }
      asm.add(c, form.columns() * Float.BYTES);
    }

    /** A block of some rows. */
    private void tile(int first, int count, int tile) {
      for (int row = 0; row < count; row++) {
        for (Vec sum : counts[row]) {
          if (form.middle() != 0) {
            asm.vpbroadcastd(sum, correction(first + row));
          } else {
            asm.vxorps(sum, sum, sum);
          }
        }
      }
      asm.mov(stepA, at);
      asm.mov(stepW, w);
      asm.mov(stepsLeft, rounds);
      Label round = asm.here();
      for (int step = 0; step < steps; step++) {
        step(step, first, count);
        prefetch(panelForm.dataBytes() / rounds, tile * steps + step, tiles * steps);
      }
      asm.add(stepA, steps * form.arithmetic().unit() * form.arithmetic().rowBytes());
      asm.add(stepW, panelForm.dataBytes() / rounds);
      asm.sub(stepsLeft, 1);
      asm.jne(round);
      end(first, count);
      prefetch(panelForm.bytes() - panelForm.dataBytes(), tile, tiles); // where the factors lie
    }

    private void step(int step, int first, int count) {
      int vectorBytes = width.floats() * form.arithmetic().unit();
      boolean nibbles = panelForm.bits() == 4;
      boolean high = nibbles && step % 2 == 1;
      int from = (nibbles ? step / 2 : step) * BlockForm.VECTORS * vectorBytes;
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        load(ws[v], Memory.at(stepW, from + v * vectorBytes), high);
      }
      int place = step * form.arithmetic().unit() * form.arithmetic().rowBytes();
      for (int row = 0; row < count; row++) {
        int numbers = (first + row) * form.rowBlockBytes() + place;
        asm.vpbroadcastd(spread, Memory.at(stepA, numbers));
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          multiplyAdd(counts[row][v], ws[v]);
        }
      }
    }

    /**
     * Asks for one of equal shares of the lines of the cache that are read from {@code stepW} on.
     */
    private void prefetch(int bytes, int share, int shares) {
      int lines = Math.ceilDiv(bytes, Width.ZMM.bytes());
      for (int line = share * lines / shares; line < (share + 1) * lines / shares; line++) {
        asm.prefetcht0(Memory.at(stepW, PREFETCH + line * Width.ZMM.bytes()));
      }
    }

    private void load(Vec to, Memory from, boolean high) {
      switch (form.arithmetic()) {
        case NIBBLES, NIBBLE_DOTS -> {
          asm.vmovups(to, from);
          if (high) {
            asm.vpsrld(to, to, 4);
          }
          asm.vandps(to, to, constant(LOW_NIBBLES));
        }
        case WORDS -> asm.vpmovsxbw(to, from);
        case DOTS -> asm.vmovups(to, from);
      }
    }

    private void multiplyAdd(Vec count, Vec weights) {
      switch (form.arithmetic()) {
        case NIBBLES -> {
          asm.vpmaddubsw(product, weights, spread);
          asm.vpaddw(count, count, product);
        }
        case WORDS -> {
          asm.vpmaddwd(product, weights, spread);
          asm.vpaddd(count, count, product);
        }
        case NIBBLE_DOTS, DOTS -> asm.vpdpbusd(count, weights, spread);
      }
    }

    /** Adds a block's sums to those of all blocks. */
    private void end(int first, int count) {
      factors(0);
      for (int row = 0; row < count; row++) {
        asm.vbroadcastss(spread, scale(first + row));
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          Vec sum = counts[row][v];
          if (form.arithmetic() == BlockForm.Arithmetic.NIBBLES) {
            asm.vpmaddwd(sum, sum, constant(ONES));
          }
          asm.vcvtdq2ps(sum, sum);
          asm.vmulps(sum, sum, ws[v]);
          asm.vfmadd213ps(sum, spread, sum(first + row, v));
        }
      }
      if (form.shifted()) {
        factors(form.columns() * form.scaleBytes());
      }
      for (int row = 0; row < count; row++) {
        if (form.shifted()) {
          asm.vbroadcastss(spread, correction(first + row));
        }
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          if (form.shifted()) {
            asm.vfmadd231ps(counts[row][v], ws[v], spread);
          }
          asm.vmovups(sum(first + row, v), counts[row][v]);
        }
      }
    }

    /** Scales or shifts of the columns, where w has been. */
    private void factors(int from) {
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        Memory factor = Memory.at(stepW, from + v * width.floats() * form.scaleBytes());
        if (form.scaleBytes() == Short.BYTES) {
          asm.vcvtph2ps(ws[v], factor);
        } else {
          asm.vmovups(ws[v], factor);
        }
      }
    }

    private Memory scale(int row) {
      return ofRow(row, form.rowBlockBytes() - BlockForm.ROW_FACTORS);
    }

    private Memory correction(int row) {
      return ofRow(row, form.rowBlockBytes() - BlockForm.ROW_FACTORS + Float.BYTES);
    }

    private Memory ofRow(int row, int displacement) {
      return Memory.at(at, row * form.rowBlockBytes() + displacement);
    }

    private Memory sum(int row, int v) {
      return Memory.at(sums, (row * BlockForm.VECTORS + v) * width.bytes());
    }
  }
}
