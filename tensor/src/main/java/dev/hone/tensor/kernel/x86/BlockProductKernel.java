package dev.hone.tensor.kernel.x86;

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
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Rows of rounded blocks times panels: {@code c[r, j] = start[j] + Σ over blocks of scale[r]
 * scale[j] Σk a[r, k] q[k, j]}. The inner sums are exact integers.
 *
 * <pre>
 *              w   | one vector of columns, or two      a tile of 6 rows: integer sums of a block
 *      a           +----------------------------        and float sums of all blocks so far stay
 *   row 0          | sums of the block, sums            in registers
 *   row 1          | sums of the block, sums
 *   ...
 * </pre>
 *
 * Panels follow each other in one call, so that a single row reads its weights in one stream.
 */
final class BlockProductKernel {
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
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG));

  private final BlockForm form;
  private final MemorySegment code;

  BlockProductKernel(BlockForm form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
  }

  /**
   * @param a [rows] of {@code blocks} blocks as {@link BlockRoundingKernel} leaves them, {@code
   *     aStride} bytes apart
   * @param w [panels] of {@code blocks} blocks: {@link BlockPanels}
   * @param c [rows][panels * columns], {@code cStride} bytes apart
   * @param start that the sums of a panel begin with: [columns], those of the next panel {@code
   *     startStep} bytes further on
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment w,
      MemorySegment c,
      long cStride,
      MemorySegment start,
      long startStep,
      long rows,
      long panels,
      long blocks) {
    if (rows <= 0 || panels <= 0 || blocks <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", panels=" + panels + ", blocks=" + blocks);
    }
    long width = (long) form.columns() * Float.BYTES;
    long blockBytes = form.panels().bytes();
    Segments.require(a, rows, aStride, blocks * form.rowBlockBytes());
    Segments.require(w, panels * blocks, blockBytes, blockBytes);
    Segments.require(c, rows, cStride, panels * width);
    Segments.require(start, panels, startStep, width);
    try {
      CALL.invokeExact(code, a, w, c, panels, blocks, start, rows, aStride, cStride, startStep);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(BlockForm form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    /** Rows that one register reaches: by the stride, its double, and none. */
    private static final int REACH = 3;

    /** How far ahead of its use the panel is asked for, in bytes. */
    private static final int PREFETCH = 1024;

    private static final int LOW_NIBBLES = 0;
    private static final int ONES = 1;
    private static final int[] CONSTANTS = {0x0F0F0F0F, 0x00010001};

    private final BlockForm form;
    private final BlockPanels.Form panelForm;
    private final Width width;
    private final int vectors;
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr a;
    private final Gpr panel;
    private final Gpr c;
    private final Gpr panels;
    private final Gpr blocks;
    private final Gpr start;
    private final Gpr aStride;
    private final Gpr constants;
    private final Gpr rows;
    private final Gpr tileRows;
    private final Gpr tileOut;
    private final Gpr w;
    private final Gpr left;
    private final Gpr[] aRows = new Gpr[BlockForm.HEIGHT / REACH];
    private final Vec[] counts;
    private final Vec[] sums;
    private final Vec[] ws;
    private final Vec[] scales;
    private final Vec spread;
    private final Vec product;
    private final Label table = new Label();

    Writer(BlockForm form) {
      this.form = form;
      panelForm = form.panels();
      width = form.width();
      vectors = form.vectors();
      registers = new Registers(width);
      a = registers.argument("a");
      panel = registers.argument("w of the panel");
      c = registers.argument("c of the panel");
      panels = registers.argument("panels");
      blocks = registers.argument("blocks");
      start = registers.argument("start");
      aStride = registers.gpr("stride of a");
      constants = registers.gpr("constants");
      rows = registers.gpr("rows left");
      tileRows = registers.gpr("a of the tile");
      tileOut = registers.gpr("c of the tile");
      w = registers.gpr("w");
      left = registers.gpr("blocks left");
      for (int i = 0; i < aRows.length; i++) {
        aRows[i] = registers.gpr("a of row " + i * REACH);
      }
      counts = registers.vecs("sum of the block", BlockForm.HEIGHT * vectors);
      sums = registers.vecs("sum", BlockForm.HEIGHT * vectors);
      ws = registers.vecs("w", vectors);
      scales = registers.vecs("scale", vectors);
      spread = registers.vec("numbers of a");
      product = vectors == 1 ? spread : registers.vec("product");
    }

    Assembly write() {
      asm.enter(registers);
      asm.lea(constants, table);
      asm.mov(aStride, argument(1));
      Label nextPanel = asm.here();
      Label panelDone = new Label();
      asm.mov(rows, argument(0));
      asm.mov(tileRows, a);
      asm.mov(tileOut, c);
      for (int height = BlockForm.HEIGHT; height > 0; height--) {
        Label again = asm.here();
        Label fewer = new Label();
        asm.cmp(rows, height);
        asm.jl(fewer);
        tile(height);
        asm.sub(rows, height);
        asm.jmp(height == BlockForm.HEIGHT ? again : panelDone);
        asm.bind(fewer);
      }
      asm.bind(panelDone);
      asm.mov(panel, w); // one panel begins where the one before has ended
      asm.add(c, form.columns() * Float.BYTES);
      asm.mov(left, argument(3));
      asm.add(start, left);
      asm.sub(panels, 1);
      asm.jne(nextPanel);
      asm.leave(registers);
      asm.constant(table, constants());
      return asm.finish("product-" + form);
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

    /** An argument behind the sixth. */
    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    /** A tile, and on to the rows below it. */
    private void tile(int height) {
      for (int i = 0; i < height * vectors; i++) {
        asm.vmovups(sums[i], Memory.at(start, i % vectors * width.bytes()));
      }
      asm.mov(aRows[0], tileRows);
      if (height > REACH) {
        asm.lea(aRows[1], Memory.at(aRows[0], aStride, 2, 0));
        asm.add(aRows[1], aStride);
      }
      asm.mov(w, panel);
      asm.mov(left, blocks);
      Label block = asm.here();
      begin(height);
      steps(height);
      end(height);
      asm.add(w, panelForm.bytes());
      for (int row = 0; row < height; row += REACH) {
        asm.add(aRows[row / REACH], form.rowBlockBytes());
      }
      asm.sub(left, 1);
      asm.jne(block);
      asm.mov(left, argument(2)); // the stride of c
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < vectors; v++) {
          asm.vmovups(Memory.at(tileOut, v * width.bytes()), sums[row * vectors + v]);
        }
        asm.add(tileOut, left);
        asm.add(tileRows, aStride);
      }
    }

    private void begin(int height) {
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < vectors; v++) {
          Vec count = counts[row * vectors + v];
          if (form.middle() == 0) {
            asm.vxorps(count, count, count);
          } else {
            asm.vpbroadcastd(count, correction(row));
          }
        }
      }
    }

    private void steps(int height) {
      int prefetched = 0;
      int unit = form.arithmetic().unit();
      int vectorBytes = width.floats() * unit;
      for (int k = 0; k < Input.BLOCK; k += unit) {
        boolean nibbles = panelForm.bits() == 4;
        boolean high = nibbles && k % 8 >= 4;
        int at = (nibbles ? k / 8 : k / unit) * vectors * vectorBytes;
        for (; prefetched <= at; prefetched += Width.ZMM.bytes()) { // a line of the cache
          asm.prefetcht0(Memory.at(w, PREFETCH + prefetched));
        }
        for (int v = 0; v < vectors; v++) {
          load(ws[v], Memory.at(w, at + v * vectorBytes), high);
        }
        for (int row = 0; row < height; row++) {
          asm.vpbroadcastd(spread, ofRow(row, k * form.arithmetic().rowBytes()));
          for (int v = 0; v < vectors; v++) {
            multiplyAdd(counts[row * vectors + v], ws[v], v == vectors - 1);
          }
        }
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

    private void multiplyAdd(Vec count, Vec weights, boolean last) {
      Vec to = last ? spread : product; // it is not wanted again
      switch (form.arithmetic()) {
        case NIBBLES -> {
          asm.vpmaddubsw(to, weights, spread);
          asm.vpaddw(count, count, to);
        }
        case WORDS -> {
          asm.vpmaddwd(to, weights, spread);
          asm.vpaddd(count, count, to);
        }
        case NIBBLE_DOTS, DOTS -> asm.vpdpbusd(count, weights, spread);
      }
    }

    /** Adds a block's sums to those of all blocks. */
    private void end(int height) {
      int at = panelForm.dataBytes();
      for (int v = 0; v < vectors; v++) {
        factor(scales[v], at, v);
        if (form.shifted()) {
          factor(ws[v], at + form.columns() * form.scaleBytes(), v);
        }
      }
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < vectors; v++) {
          Vec count = counts[row * vectors + v];
          if (form.arithmetic() == BlockForm.Arithmetic.NIBBLES) {
            asm.vpmaddwd(count, count, constant(ONES));
          }
          asm.vcvtdq2ps(count, count);
          asm.vmulps(count, count, scales[v]);
        }
        asm.vbroadcastss(spread, scale(row));
        for (int v = 0; v < vectors; v++) {
          asm.vfmadd231ps(sums[row * vectors + v], counts[row * vectors + v], spread);
        }
        if (form.shifted()) {
          asm.vbroadcastss(spread, correction(row));
          for (int v = 0; v < vectors; v++) {
            asm.vfmadd231ps(sums[row * vectors + v], ws[v], spread);
          }
        }
      }
    }

    private void factor(Vec to, int at, int v) {
      Memory from = Memory.at(w, at + v * width.floats() * form.scaleBytes());
      if (form.scaleBytes() == Short.BYTES) {
        asm.vcvtph2ps(to, from);
      } else {
        asm.vmovups(to, from);
      }
    }

    private Memory scale(int row) {
      return ofRow(row, form.rowBlockBytes() - BlockForm.ROW_FACTORS);
    }

    private Memory correction(int row) {
      return ofRow(row, form.rowBlockBytes() - BlockForm.ROW_FACTORS + Float.BYTES);
    }

    private Memory ofRow(int row, int displacement) {
      Gpr first = aRows[row / REACH];
      return row % REACH == 0
          ? Memory.at(first, displacement)
          : Memory.at(first, aStride, row % REACH, displacement);
    }
  }
}
