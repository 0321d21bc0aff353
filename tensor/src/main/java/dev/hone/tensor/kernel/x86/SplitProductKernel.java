package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.AmxForm.Pair;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Tmm;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Products of numbers that {@link SplitParts} lie in, by tiles: {@code c = Σ a[i] b[j]} over the
 * parts i + j that count, the small ones first.
 *
 * <pre>
 *               b   16 pairs of 16 columns, two panels
 *      a                +-------+-------+
 *   16 rows of 32       | sum 0 | sum 1 |
 *   16 rows of 32       | sum 2 | sum 3 |    the last 16 of rows are done without these
 *                       +-------+-------+
 * </pre>
 */
final class SplitProductKernel {
  private static final int TILES = 8;
  private static final int COLUMN_BYTES = 16;
  private static final int TILE_ROWS = 48;

  private final int parts;
  private final MemorySegment code;
  private final MemorySegment configuration = Arena.global().allocate(64, 64);

  SplitProductKernel(int parts) {
    this.parts = parts;
    code = CodeMemory.install(assemble(parts));
    configuration.set(ValueLayout.JAVA_BYTE, 0, (byte) 1); // the palette
    for (int tile = 0; tile < TILES; tile++) {
      configuration.set(ValueLayout.JAVA_SHORT, COLUMN_BYTES + 2L * tile, (short) SplitParts.BYTES);
      configuration.set(ValueLayout.JAVA_BYTE, (long) TILE_ROWS + tile, (byte) SplitParts.TILE);
    }
  }

  /**
   * @param a rows of parts, {@code aStride} bytes apart
   * @param b panels of parts, {@code bStride} bytes apart, each of {@code steps} times 16 pairs
   * @param c [rows][panels * 16] in F32, {@code cStride} bytes apart
   * @param rows a multiple of 16
   * @param panels an even number
   * @param steps of 32 numbers that are multiplied
   * @param add to what c holds
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment b,
      long bStride,
      MemorySegment c,
      long cStride,
      long rows,
      long panels,
      long steps,
      boolean add) {
    if (rows <= 0 || rows % SplitParts.TILE != 0 || panels <= 0 || panels % 2 != 0 || steps <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", panels=" + panels + ", steps=" + steps);
    }
    long partBytes = (long) parts * SplitParts.BYTES;
    Segments.require(a, rows, aStride, steps * partBytes);
    Segments.require(b, panels, bStride, steps * SplitParts.TILE * partBytes);
    Segments.require(c, rows, cStride, panels * SplitParts.TILE * Float.BYTES);
    CodeMemory.call(
        code,
        address(a),
        address(c),
        rows,
        panels,
        steps,
        aStride,
        cStride,
        address(b),
        bStride,
        add ? 1L : 0L,
        address(configuration));
  }

  static Assembly assemble(int parts) {
    return new Writer(parts).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer implements TileRound.Writer {
    private static final int TILE = SplitParts.TILE;

    /** Of sums in c. */
    private static final int TILE_BYTES = TILE * Float.BYTES;

    private final int parts;
    private final int partBytes;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final Gpr a = registers.argument("a");
    private final Gpr c = registers.argument("c");
    private final Gpr rows = registers.argument("rows");
    private final Gpr panels = registers.argument("panels");
    private final Gpr steps = registers.argument("steps");
    private final Gpr aStride = registers.argument("stride of a");
    private final Gpr k = registers.gpr("k");
    private final Gpr cStride = registers.gpr("stride of c");
    private final Gpr b = registers.gpr("b");
    private final Gpr pairStride = registers.gpr("stride of pairs");
    private final Gpr[] aAt = {registers.gpr("rows 0 to 15"), registers.gpr("rows 16 to 31")};
    private final Gpr[] bAt = {registers.gpr("panel 0"), registers.gpr("panel 1")};
    private final Gpr left = registers.gpr("panels left");

    Writer(int parts) {
      this.parts = parts;
      this.partBytes = parts * SplitParts.BYTES;
    }

    Assembly write() {
      Label few = new Label();
      Label end = new Label();
      asm.enter(registers);
      asm.mov(k, argument(4));
      asm.ldtilecfg(Memory.at(k, 0));
      asm.mov(cStride, argument(0));
      asm.mov(pairStride, partBytes);
      asm.sub(rows, 2 * TILE);
      asm.jl(few);
      Label loop = asm.here();
      block(2);
      asm.sub(rows, 2 * TILE);
      asm.jge(loop);
      asm.bind(few);
      asm.add(rows, 2 * TILE);
      asm.je(end);
      block(1);
      asm.bind(end);
      asm.tilerelease();
      asm.leave(registers);
      return asm.finish("product-split-" + parts);
    }

    private Memory argument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    /** So many times 16 rows with all panels; moves a and c on. */
    private void block(int tiles) {
      asm.mov(b, argument(1));
      asm.mov(left, panels);
      Label panel = asm.here();
      sums(tiles);
      for (Gpr at : bAt) {
        asm.mov(at, b);
        asm.add(b, argument(2));
      }
      asm.mov(aAt[0], a);
      down(aAt[1], a, aStride);
      asm.mov(k, steps);
      Label step = asm.here();
      TileRound.write(tiles, pairs(), this, List.of());
      for (Gpr at : aAt) {
        asm.add(at, partBytes);
      }
      for (Gpr at : bAt) {
        asm.add(at, TILE * partBytes);
      }
      asm.sub(k, 1);
      asm.jne(step);
      asm.mov(k, c);
      for (int tile = 0; tile < tiles; tile++) {
        for (int column = 0; column < 2; column++) {
          asm.tilestored(
              Memory.at(k, cStride, 1, column * TILE_BYTES), TileRound.sum(tile, column));
        }
        if (tile + 1 < tiles) {
          down(k, c, cStride);
        }
      }
      asm.add(c, 2 * TILE_BYTES);
      asm.sub(left, 2);
      asm.jne(panel);
      asm.mov(k, panels);
      asm.shl(k, Integer.numberOfTrailingZeros(TILE_BYTES));
      asm.neg(k);
      asm.add(c, k);
      for (int tile = 0; tile < tiles; tile++) {
        down(k, c, cStride);
        asm.mov(c, k);
        down(k, a, aStride);
        asm.mov(a, k);
      }
    }

    /** {@code to} = 16 rows further down. */
    private void down(Gpr to, Gpr from, Gpr stride) {
      asm.mov(to, stride);
      asm.shl(to, Integer.numberOfTrailingZeros(TILE));
      asm.add(to, from);
    }

    /** Zero, or what c holds. */
    private void sums(int tiles) {
      Label begin = new Label();
      Label begun = new Label();
      asm.mov(k, argument(3));
      asm.test(k, k);
      asm.je(begin);
      asm.mov(k, c);
      for (int tile = 0; tile < tiles; tile++) {
        for (int column = 0; column < 2; column++) {
          asm.tileloadd(TileRound.sum(tile, column), Memory.at(k, cStride, 1, column * TILE_BYTES));
        }
        if (tile + 1 < tiles) {
          down(k, c, cStride);
        }
      }
      asm.jmp(begun);
      asm.bind(begin);
      for (int tile = 0; tile < tiles; tile++) {
        asm.tilezero(TileRound.sum(tile, 0));
        asm.tilezero(TileRound.sum(tile, 1));
      }
      asm.bind(begun);
    }

    /** Part by part of a; of b first those that add least. */
    private List<Pair> pairs() {
      List<Pair> pairs = new ArrayList<>();
      for (int i = 0; i < parts; i++) {
        int most = parts - 1 - i;
        boolean upwards = i > 0 && pairs.getLast().weight() == 0;
        for (int n = 0; n <= most; n++) {
          pairs.add(new Pair(i, upwards ? n : most - n));
        }
      }
      return pairs;
    }

    @Override
    public void loadRows(Tmm to, int part, int tile) {
      asm.tileloadd(to, Memory.at(aAt[tile], aStride, 1, part * SplitParts.BYTES));
    }

    @Override
    public void loadColumns(Tmm to, int part, int tile) {
      asm.tileloadd(to, Memory.at(bAt[tile], pairStride, 1, part * SplitParts.BYTES));
    }

    @Override
    public void multiply(Tmm sum, Tmm rows, Tmm columns) {
      asm.tdpbf16ps(sum, rows, columns);
    }
  }
}
