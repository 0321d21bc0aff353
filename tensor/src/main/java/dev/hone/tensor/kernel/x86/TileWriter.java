package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;

/**
 * Writes the code of a product of rows with panels, one panel after the other, each tile by tile
 * downwards; a field is a register. What is left after the last whole tile runs as a tile of its
 * own height.
 *
 * <pre>
 *              b   | b 0 | b 1 |      a tile of 6 x 2 vectors (AVX2), 9 x 3 (AVX-512):
 *      a           +-----+-----+      all its sums stay in registers while k runs;
 *   row 0: a[0,k]  | sum | sum |      each step loads a row of b, and spreads one place of
 *   row 1: a[1,k]  | sum | sum |      each row of a over a register
 *   ...
 * </pre>
 *
 * Rows are read where they lie ({@link RowPointers}). The first tile finds its panel in the
 * second-level cache: those of the panel before have asked for it, each for its share, so that
 * memory is read while all of them compute.
 */
abstract class TileWriter {
  /** Steps of k that are written out: they share the work of moving on. */
  private static final int UNROLL = 4;

  /** How far ahead of its use the panel is asked for, in bytes. */
  private static final int PREFETCH = 512;

  /** What a row of a moves on by in a step. */
  private static final int PLACE = 4;

  // Arguments on the stack: what every panel begins with, and how far the next one is.
  private static final int FIRST_OF_A = 0;
  private static final int FIRST_OF_C = 1;
  private static final int ALL_ROWS = 2;
  private static final int B_STRIDE = 3;
  private static final int AHEAD_STEP = 4;
  private static final int OWN = 5;

  final Tile tile;
  final Assembler asm = new Assembler();
  final Registers registers;

  /** The first panel, and each one that follows. */
  private final Gpr b;

  /** Steps. */
  private final Gpr depth;

  /** What the third argument is, each kernel knows. */
  final Gpr third;

  private final Gpr aStride;
  final Gpr cStride;
  private final Gpr panelsLeft;
  private final Gpr a;
  final Gpr c;
  private final Gpr rows;
  final Gpr k;
  final Gpr panel;

  /** What of the next panel is asked for. */
  private final Gpr ahead;

  private final RowPointers aRows;
  private final Vec[] sums;
  private final Vec[] bs;
  final Vec spread;

  /**
   * What of c is computed at a time.
   *
   * @param height rows
   * @param vectors across
   */
  record Tile(Width width, int height, int vectors) {
    static final Tile AVX2 = new Tile(Width.YMM, 6, 2);
    static final Tile AVX512 = new Tile(Width.ZMM, 9, 3);

    /** For attention: the columns of most heads are multiples of its own. */
    static final Tile AVX512_NARROW = new Tile(Width.ZMM, 9, 2);

    /** Columns of a panel. */
    int columns() {
      return vectors * width.floats();
    }

    @Override
    public String toString() {
      return height + "x" + columns();
    }
  }

  TileWriter(Tile tile, String third) {
    this.tile = tile;
    registers = new Registers(tile.width());
    b = registers.argument("b");
    depth = registers.argument("depth");
    this.third = registers.argument(third);
    aStride = registers.argument("stride of a");
    cStride = registers.argument("stride of c");
    panelsLeft = registers.argument("panels left");
    a = registers.gpr("a");
    c = registers.gpr("c");
    rows = registers.gpr("rows");
    k = registers.gpr("k");
    panel = registers.gpr("panel");
    ahead = registers.gpr("ahead");
    aRows = new RowPointers(asm, registers, aStride, tile.height());
    sums = registers.vecs("sum", tile.height() * tile.vectors());
    bs = registers.vecs("b", tile.vectors());
    spread = registers.vec("place of a");
  }

  /** What the sums of a tile begin with. */
  abstract void begin(int height);

  /** Bytes of a panel that a step reads for one vector. */
  abstract int stepBytes();

  abstract void loadWeights(Vec to, Memory from);

  abstract void spread(Vec to, Memory from);

  /** {@code sum += a b} in every place. */
  abstract void multiplyAdd(Vec sum, Vec a, Vec b);

  /** Makes c of the sums, and moves {@link #c} on behind it. */
  abstract void store(int height);

  /** What this kernel alone has of a panel: on to the next one's. */
  abstract void nextPanel();

  Assembly write(String name) {
    Label end = new Label();
    asm.enter(registers);
    Label nextPanel = asm.here();
    asm.mov(a, stackArgument(FIRST_OF_A));
    asm.mov(c, stackArgument(FIRST_OF_C));
    asm.mov(rows, stackArgument(ALL_ROWS));
    asm.mov(ahead, b);
    asm.add(ahead, stackArgument(B_STRIDE));
    for (int height = tile.height(); height > 0; height--) {
      Label again = asm.here();
      Label fewer = new Label();
      asm.cmp(rows, height);
      asm.jl(fewer);
      tile(height);
      asm.sub(rows, height);
      if (height == tile.height()) {
        asm.jmp(again);
      } else {
        asm.jmp(end); // fewer rows than a whole tile: this was all
      }
      asm.bind(fewer);
    }
    asm.bind(end);
    asm.add(b, stackArgument(B_STRIDE));
    asm.mov(c, stackArgument(FIRST_OF_C));
    asm.add(c, tile.columns() * Float.BYTES);
    asm.mov(stackArgument(FIRST_OF_C), c);
    nextPanel();
    asm.sub(panelsLeft, 1);
    asm.jne(nextPanel);
    asm.leave(registers);
    return asm.finish(name);
  }

  /** An argument behind those that all these kernels have. */
  Memory ownArgument(int index) {
    return stackArgument(OWN + index);
  }

  private Memory stackArgument(int index) {
    return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
  }

  /** A tile, and on to the rows below it. */
  private void tile(int height) {
    begin(height);
    aRows.begin(a, 0, height);
    asm.mov(panel, b);
    asm.mov(k, depth);
    Label rest = new Label();
    Label done = new Label();
    asm.sub(k, UNROLL);
    asm.jl(rest);
    Label loop = asm.here();
    steps(height, UNROLL);
    for (int line = 0; line < linesAhead(); line++) {
      asm.prefetcht1(Memory.at(ahead, line * Width.ZMM.bytes()));
    }
    asm.add(ahead, stackArgument(AHEAD_STEP));
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
    for (int row = 0; row < height; row++) {
      asm.add(a, aStride);
    }
  }

  private void steps(int height, int count) {
    int panelBytes = tile.vectors() * stepBytes();
    for (int step = 0; step < count; step++) {
      for (int v = 0; v < tile.vectors(); v++) {
        int at = step * panelBytes + v * stepBytes();
        loadWeights(bs[v], Memory.at(panel, at));
        if (at % Width.ZMM.bytes() == 0) { // a line of the cache
          asm.prefetcht0(Memory.at(panel, PREFETCH + at));
        }
      }
      for (int row = 0; row < height; row++) {
        spread(spread, aRows.at(row, step * PLACE));
        for (int v = 0; v < tile.vectors(); v++) {
          multiplyAdd(sum(row, v), spread, bs[v]);
        }
      }
    }
    asm.add(panel, count * panelBytes);
    aRows.advance(height, count * PLACE);
  }

  /** Lines of the next panel that {@link #UNROLL} steps ask for: half of what they read. */
  private int linesAhead() {
    return Math.max(1, UNROLL * tile.vectors() * stepBytes() / Width.ZMM.bytes() / 2);
  }

  /**
   * Bytes of the next panel between what {@link #UNROLL} steps ask for and what those after them
   * do.
   *
   * @param rowBytes of a step of a panel
   */
  static long aheadStep(Tile tile, long rows, long rowBytes) {
    long tiles = (rows + tile.height() - 1) / tile.height();
    return (UNROLL * rowBytes + tiles - 1) / Math.max(2, tiles);
  }

  Vec sum(int row, int vector) {
    return sums[row * tile.vectors() + vector];
  }
}
