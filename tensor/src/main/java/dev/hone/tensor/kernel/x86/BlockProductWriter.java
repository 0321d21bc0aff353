package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Operand;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.Arrays;

/**
 * Writes the code of {@link BlockProductKernel}; a field is a register.
 *
 * <pre>
 *              w   | two vectors of columns      tiles of so many rows that the integer sums of a
 *      a           +-----------------------      block stay in registers, and where these are many
 *   row 0          | sums                        the float sums of all blocks so far; else, and
 *   row 1          | sums                        while other tiles run, they wait in memory that
 *   ...                                          the first-level cache holds
 * </pre>
 *
 * All tiles take some blocks of a panel before the next come, and ask for those all the while: so
 * memory never waits for them.
 */
final class BlockProductWriter {
  /** Bytes of a panel that all tiles take before the next ones, about; those are asked for. */
  private static final int SHARED = 4096;

  /**
   * Rows times steps that a loop has, about: more code than a processor keeps decoded is slower.
   */
  private static final int UNROLLED = 24;

  /** Two nibbles of a byte are two steps. */
  private static final int LEAST_STEPS = 2;

  /** Vectors beside sums: w, the numbers of a, and a product. */
  private static final int OTHERS = BlockForm.VECTORS + 2;

  private static final int LOW_NIBBLES = 0;
  private static final int ONES = 1;
  private static final int[] CONSTANTS = {0x0F0F0F0F, 0x00010001};

  private final BlockForm form;
  private final BlockPanels.Form panelForm;
  private final Width width;
  private final int rows;
  private final int tiles;
  private final int height;

  /** Blocks that all tiles take before the next ones. */
  private final int shared;

  /** A block is so many rounds of a loop, each of so many steps. */
  private final int rounds;

  private final int steps;

  /** Of a row's block: its numbers, without the factors behind them. */
  private final int numberBytes;

  /** Of a panel's block, behind its numbers. */
  private final int factorBytes;

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
  private final Gpr some;
  private final Gpr someLeft;
  private final Gpr stepA;
  private final Gpr stepW;
  private final Gpr stepsLeft;
  private final Vec[][] counts;

  /** Sums of all blocks so far, of a tile: none where there are no registers for them. */
  private final Vec[][] totals;

  private final Vec[] ws;
  private final Vec spread;
  private final Vec product;

  /** Ones where the low nibbles are: a register if one is left, else memory. */
  private final Operand lowNibbles;

  private final Memory panelsLeft;
  private final Memory start;
  private final Memory startStep;
  private final Label table = new Label();

  BlockProductWriter(BlockForm form, int rows) {
    this.form = form;
    this.rows = rows;
    panelForm = form.panels();
    width = form.width();
    tiles = (rows + form.height() - 1) / form.height();
    height = (rows + tiles - 1) / tiles;
    int all = Input.BLOCK / form.arithmetic().unit();
    int most = Integer.highestOneBit(Math.max(LEAST_STEPS, UNROLLED / height));
    steps = Math.min(all, most);
    rounds = all / steps;
    numberBytes = form.rowBlockBytes() - BlockForm.ROW_FACTORS;
    factorBytes = panelForm.bytes() - panelForm.dataBytes();
    shared = Math.ceilDiv(SHARED, panelForm.bytes());
    registers = new Registers(width);
    a = registers.argument("a");
    w = registers.argument("w");
    sums = registers.argument("sums");
    c = registers.argument("c of the panel");
    cStride = registers.argument("stride of c");
    blocks = registers.argument("blocks");
    constants = registers.gpr("constants");
    at = registers.gpr("a of some blocks, and other places");
    left = registers.gpr("blocks left");
    some = registers.gpr("some of them");
    someLeft = registers.gpr("blocks left of some");
    stepA = registers.gpr("a of the steps");
    stepW = registers.gpr("w of the steps");
    stepsLeft = registers.gpr("rounds of steps left");
    counts = new Vec[height][];
    Arrays.setAll(
        counts, row -> registers.vecs("sum of the block, row " + row + ',', BlockForm.VECTORS));
    boolean fit = 2 * height * BlockForm.VECTORS + OTHERS <= width.registers();
    totals = new Vec[fit ? height : 0][];
    Arrays.setAll(totals, row -> registers.vecs("sum of all, row " + row + ',', BlockForm.VECTORS));
    ws = registers.vecs("w", BlockForm.VECTORS);
    spread = registers.vec("numbers of a");
    product = registers.vec("product");
    lowNibbles =
        panelForm.bits() == 4 && registers.vecsLeft() > 0
            ? registers.vec("low nibbles")
            : constant(LOW_NIBBLES);
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
    if (lowNibbles instanceof Vec vec) {
      asm.vmovups(vec, constant(LOW_NIBBLES));
    }
    Label panel = asm.here(); // one begins where the one before has ended
    begin();
    asm.mov(at, a);
    asm.mov(left, blocks);
    Label next = asm.here();
    some();
    for (int tile = 0; tile < tiles; tile++) {
      int first = tile * height;
      tile(first, Math.min(height, rows - first), tile);
    }
    asm.mov(w, stepW);
    asm.mov(at, stepA);
    asm.sub(left, some);
    asm.jne(next);
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

  /** How many blocks come next; all of them where there is but one tile. */
  private void some() {
    asm.mov(some, left);
    if (tiles > 1) {
      Label fewer = new Label();
      asm.cmp(left, shared);
      asm.jle(fewer);
      asm.mov(some, shared);
      asm.bind(fewer);
    }
  }

  /** Some blocks of some rows. */
  private void tile(int first, int count, int tile) {
    for (int row = 0; row < Math.min(count, totals.length); row++) {
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        asm.vmovups(totals[row][v], sum(first + row, v));
      }
    }
    asm.mov(stepA, at);
    asm.mov(stepW, w);
    asm.mov(someLeft, some);
    Label block = asm.here();
    for (int row = 0; row < count; row++) {
      for (Vec sum : counts[row]) {
        if (form.middle() != 0) {
          asm.vpbroadcastd(sum, ofRow(first + row, numberBytes + Float.BYTES));
        } else {
          asm.vxorps(sum, sum, sum);
        }
      }
    }
    asm.mov(stepsLeft, rounds);
    Label round = asm.here();
    for (int step = 0; step < steps; step++) {
      step(step, first, count);
      prefetch(panelForm.dataBytes() / rounds, tile * steps + step, tiles * steps);
    }
    asm.add(stepA, numberBytes / rounds);
    asm.add(stepW, panelForm.dataBytes() / rounds);
    asm.sub(stepsLeft, 1);
    asm.jne(round);
    end(first, count);
    prefetch(factorBytes, tile, tiles);
    asm.add(stepA, rows * form.rowBlockBytes() - numberBytes);
    asm.add(stepW, factorBytes);
    asm.sub(someLeft, 1);
    asm.jne(block);
    if (totals.length > 0) {
      keep(first, totals, count);
    }
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
      asm.vpbroadcastd(spread, ofRow(first + row, place));
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        multiplyAdd(counts[row][v], ws[v]);
      }
    }
  }

  /** Asks for one of equal shares of the lines of the cache that are read from {@code stepW} on. */
  private void prefetch(int bytes, int share, int shares) {
    int lines = Math.ceilDiv(bytes, Width.ZMM.bytes());
    for (int line = share * lines / shares; line < (share + 1) * lines / shares; line++) {
      int ahead = shared * panelForm.bytes();
      asm.prefetcht0(Memory.at(stepW, ahead + line * Width.ZMM.bytes()));
    }
  }

  private void load(Vec to, Memory from, boolean high) {
    switch (form.arithmetic()) {
      case NIBBLES, NIBBLE_DOTS -> {
        asm.vmovups(to, from);
        if (high) {
          asm.vpsrld(to, to, 4);
        }
        asm.vandps(to, to, lowNibbles);
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

  /** Adds a block's sums to those of all blocks, behind its numbers. */
  private void end(int first, int count) {
    Vec[][] all = totals.length > 0 ? totals : counts;
    factors(0);
    for (int row = 0; row < count; row++) {
      asm.vbroadcastss(spread, ofRow(first + row, 0));
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        Vec sum = counts[row][v];
        if (form.arithmetic() == BlockForm.Arithmetic.NIBBLES) {
          asm.vpmaddwd(sum, sum, constant(ONES));
        }
        asm.vcvtdq2ps(sum, sum);
        asm.vmulps(sum, sum, ws[v]);
        if (totals.length > 0) {
          asm.vfmadd231ps(totals[row][v], sum, spread);
        } else {
          asm.vfmadd213ps(sum, spread, sum(first + row, v));
        }
      }
    }
    if (form.shifted()) {
      factors(form.columns() * form.scaleBytes());
      for (int row = 0; row < count; row++) {
        asm.vbroadcastss(spread, ofRow(first + row, Float.BYTES));
        for (int v = 0; v < BlockForm.VECTORS; v++) {
          asm.vfmadd231ps(all[row][v], ws[v], spread);
        }
      }
    }
    if (totals.length == 0) {
      keep(first, counts, count);
    }
  }

  /** Puts the sums of some rows where they wait. */
  private void keep(int first, Vec[][] sums, int count) {
    for (int row = 0; row < count; row++) {
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        asm.vmovups(sum(first + row, v), sums[row][v]);
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

  /** What lies some bytes behind {@code stepA} in the first row. */
  private Memory ofRow(int row, int displacement) {
    return Memory.at(stepA, row * form.rowBlockBytes() + displacement);
  }

  private Memory sum(int row, int v) {
    return Memory.at(sums, (row * BlockForm.VECTORS + v) * width.bytes());
  }
}
