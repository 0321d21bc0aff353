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
import java.util.Arrays;

/**
 * Rows of rounded blocks times panels: {@code c[r, j] = start[j] + Σ over blocks of scale[r]
 * scale[j] Σk a[r, k] q[k, j]}. The inner sums are exact integers.
 *
 * <pre>
 *              w   | two vectors of columns      a tile of 6 rows: the integer sums of a block stay
 *      a           +-----------------------      in registers; the float sums of all blocks so far
 *   row 0          | sums of the block           wait in c, which the first-level cache holds
 *   row 1          | sums of the block
 *   ...
 * </pre>
 *
 * So a number of a row is read once for two vectors: reading them one by one, and the sixteen
 * registers of AVX2, are what bounds this product. Panels follow each other in one call, so that a
 * single row reads its weights in one stream.
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
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
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
      CALL.invokeExact(code, a, w, c, cStride, blocks, aStride, rows, panels, start, startStep);
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
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr a;
    private final Gpr panel;
    private final Gpr c;
    private final Gpr cStride;
    private final Gpr blocks;
    private final Gpr aStride;
    private final Gpr constants;
    private final Gpr rows;
    private final Gpr tile;
    private final Gpr w;
    private final Gpr left;
    private final Gpr[] aRows;
    private final Gpr[] cRows;
    private final Vec[][] counts = new Vec[BlockForm.HEIGHT][];
    private final Vec[] ws;
    private final Vec spread;
    private final Vec product;
    private final Memory rowsGiven;
    private final Memory panelsLeft;
    private final Memory start;
    private final Memory startStep;
    private final Label table = new Label();

    Writer(BlockForm form) {
      this.form = form;
      panelForm = form.panels();
      width = form.width();
      registers = new Registers(width);
      a = registers.argument("a");
      panel = registers.argument("w of the panel");
      c = registers.argument("c of the panel");
      cStride = registers.argument("stride of c");
      blocks = registers.argument("blocks");
      aStride = registers.argument("stride of a");
      constants = registers.gpr("constants");
      rows = registers.gpr("rows left");
      tile = registers.gpr("a of the tile");
      w = registers.gpr("w");
      left = registers.gpr("blocks left");
      aRows = rows("a");
      cRows = rows("c");
      for (int row = 0; row < BlockForm.HEIGHT; row++) {
        counts[row] = registers.vecs("sum of the block, row " + row + ',', BlockForm.VECTORS);
      }
      ws = registers.vecs("w", BlockForm.VECTORS);
      spread = registers.vec("numbers of a");
      product = registers.vec("product");
      rowsGiven = argument(0);
      panelsLeft = argument(1);
      start = argument(2);
      startStep = argument(3);
    }

    private Gpr[] rows(String of) {
      Gpr[] all = new Gpr[BlockForm.HEIGHT / REACH];
      Arrays.setAll(all, i -> registers.gpr(of + " of row " + i * REACH));
      return all;
    }

    /** An argument behind the sixth: this function's own memory. */
    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    Assembly write() {
      asm.enter(registers);
      asm.lea(constants, table);
      Label nextPanel = asm.here();
      Label panelDone = new Label();
      asm.mov(rows, rowsGiven);
      asm.mov(tile, a);
      asm.mov(cRows[0], c);
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
      asm.mov(w, startStep);
      asm.mov(left, start);
      asm.add(left, w);
      asm.mov(start, left);
      asm.mov(left, panelsLeft);
      asm.sub(left, 1);
      asm.mov(panelsLeft, left);
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

    /** A tile, and on to the rows below it. */
    private void tile(int height) {
      asm.mov(aRows[0], tile);
      if (height > REACH) {
        reach(aRows, aStride);
        reach(cRows, cStride);
      }
      asm.mov(left, start);
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        asm.vmovups(ws[v], Memory.at(left, v * width.bytes()));
        for (int row = 0; row < height; row++) {
          asm.vmovups(sum(row, v), ws[v]);
        }
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
      for (int row = 0; row < height; row++) {
        asm.add(cRows[0], cStride);
        asm.add(tile, aStride);
      }
    }

    private void reach(Gpr[] each, Gpr stride) {
      asm.lea(each[1], Memory.at(each[0], stride, 2, 0));
      asm.add(each[1], stride);
    }

    /** What the first step does not do itself. */
    private void begin(int height) {
      for (int row = 0; row < height; row++) {
        for (Vec count : counts[row]) {
          if (form.middle() != 0) {
            asm.vpbroadcastd(count, correction(row));
          } else if (form.arithmetic().dots()) {
            asm.vxorps(count, count, count);
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
        int at = (nibbles ? k / 8 : k / unit) * BlockForm.VECTORS * vectorBytes;
        for (; prefetched <= at; prefetched += Width.ZMM.bytes()) { // a line of the cache
          asm.prefetcht0(Memory.at(w, PREFETCH + prefetched));
        }
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          load(ws[v], Memory.at(w, at + v * vectorBytes), high);
        }
        boolean first = k == 0 && form.middle() == 0;
        for (int row = 0; row < height; row++) {
          asm.vpbroadcastd(spread, ofRow(row, k * form.arithmetic().rowBytes()));
          for (int v = 0; v < BlockForm.VECTORS; v++) {
            multiplyAdd(counts[row][v], ws[v], first);
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

    private void multiplyAdd(Vec count, Vec weights, boolean first) {
      Vec to = first ? count : product;
      switch (form.arithmetic()) {
        case NIBBLES -> {
          asm.vpmaddubsw(to, weights, spread);
          if (!first) {
            asm.vpaddw(count, count, to);
          }
        }
        case WORDS -> {
          asm.vpmaddwd(to, weights, spread);
          if (!first) {
            asm.vpaddd(count, count, to);
          }
        }
        case NIBBLE_DOTS, DOTS -> asm.vpdpbusd(count, weights, spread);
      }
    }

    /** Adds a block's sums to those of all blocks. */
    private void end(int height) {
      int at = panelForm.dataBytes();
      factors(at);
      for (int row = 0; row < height; row++) {
        asm.vbroadcastss(spread, scale(row));
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          Vec count = counts[row][v];
          if (form.arithmetic() == BlockForm.Arithmetic.NIBBLES) {
            asm.vpmaddwd(count, count, constant(ONES));
          }
          asm.vcvtdq2ps(count, count);
          asm.vmulps(count, count, ws[v]);
          asm.vfmadd213ps(count, spread, sum(row, v));
        }
      }
      if (form.shifted()) {
        factors(at + form.columns() * form.scaleBytes());
      }
      for (int row = 0; row < height; row++) {
        if (form.shifted()) {
          asm.vbroadcastss(spread, correction(row));
        }
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          if (form.shifted()) {
            asm.vfmadd231ps(counts[row][v], ws[v], spread);
          }
          asm.vmovups(sum(row, v), counts[row][v]);
        }
      }
    }

    /** Scales or shifts of the columns, where w has been. */
    private void factors(int at) {
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        Memory from = Memory.at(w, at + v * width.floats() * form.scaleBytes());
        if (form.scaleBytes() == Short.BYTES) {
          asm.vcvtph2ps(ws[v], from);
        } else {
          asm.vmovups(ws[v], from);
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
      return at(aRows, aStride, row, displacement);
    }

    private Memory sum(int row, int v) {
      return at(cRows, cStride, row, v * width.bytes());
    }

    private static Memory at(Gpr[] each, Gpr stride, int row, int displacement) {
      Gpr first = each[row / REACH];
      return row % REACH == 0
          ? Memory.at(first, displacement)
          : Memory.at(first, stride, row % REACH, displacement);
    }
  }
}
