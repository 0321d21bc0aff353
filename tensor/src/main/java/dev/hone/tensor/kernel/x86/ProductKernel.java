package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.TileWriter.Tile;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import java.lang.foreign.MemorySegment;

/**
 * Rows times panels of weights: {@code c[r, j] += Σk a[r, k] b[k, j]}, in F32.
 *
 * <pre>
 *   a  rows a stride apart       b  [panel][k][columns]       c  rows a stride apart
 * </pre>
 */
final class ProductKernel {
  private final Tile tile;
  private final MemorySegment code;

  ProductKernel(Tile tile) {
    this.tile = tile;
    this.code = CodeMemory.install(assemble(tile));
  }

  int columns() {
    return tile.columns();
  }

  int height() {
    return tile.height();
  }

  /**
   * @param a [rows] of {@code depth} floats, {@code aStride} bytes apart
   * @param b [panels][depth][columns]
   * @param c [rows][panels * columns], {@code cStride} bytes apart
   * @param start [columns] that the sums of each panel begin with; {@link MemorySegment#NULL}: with
   *     what c holds
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment b,
      MemorySegment c,
      long cStride,
      long rows,
      long depth,
      long panels,
      MemorySegment start) {
    long panel = (long) columns() * Float.BYTES;
    if (rows <= 0 || depth <= 0 || panels <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", depth=" + depth + ", panels=" + panels);
    }
    Segments.require(a, rows, aStride, depth * Float.BYTES);
    Segments.require(b, panels * depth, panel, panel);
    Segments.require(c, rows, cStride, panels * panel);
    if (!start.equals(MemorySegment.NULL)) {
      Segments.require(start, 1, 0, panel);
    }
    CodeMemory.call(
        code,
        address(a),
        address(b),
        address(c),
        rows,
        depth,
        address(start),
        aStride,
        cStride,
        panels,
        address(a),
        address(c),
        rows);
  }

  static Assembly assemble(Tile tile) {
    return new Writer(tile).write("product-f32-" + tile);
  }

  private static final class Writer extends TileWriter {
    private final Gpr start;

    // What a panel begins with, which its tiles move on.
    private final Memory panelsLeft = stackArgument(2);
    private final Memory firstOfA = stackArgument(3);
    private final Memory firstOfC = stackArgument(4);
    private final Memory allRows = stackArgument(5);

    Writer(Tile tile) {
      super(tile, "start");
      start = sixth;
    }

    @Override
    void next(Label again) {
      Label done = new Label();
      asm.mov(k, panelsLeft);
      asm.sub(k, 1);
      asm.je(done);
      asm.mov(panelsLeft, k);
      asm.mov(b, panel); // the last tile has gone through this one
      asm.mov(a, firstOfA);
      asm.mov(c, firstOfC);
      asm.add(c, tile.columns() * Float.BYTES);
      asm.mov(firstOfC, c);
      asm.mov(rows, allRows);
      asm.jmp(again);
      asm.bind(done);
    }

    /** From {@code start}, or from c. */
    @Override
    void begin(int height) {
      Label fromC = new Label();
      Label begun = new Label();
      asm.test(start, start);
      asm.je(fromC);
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < tile.vectors(); v++) {
          asm.vmovups(sum(row, v), Memory.at(start, v * tile.width().bytes()));
        }
      }
      asm.jmp(begun);
      asm.bind(fromC);
      asm.mov(panel, c);
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < tile.vectors(); v++) {
          asm.vmovups(sum(row, v), Memory.at(panel, v * tile.width().bytes()));
        }
        asm.add(panel, cStride);
      }
      asm.bind(begun);
    }

    @Override
    int stepBytes() {
      return tile.width().bytes();
    }

    @Override
    void loadWeights(Vec to, Memory from) {
      asm.vmovups(to, from);
    }

    @Override
    void spread(Vec to, Memory from) {
      asm.vbroadcastss(to, from);
    }

    @Override
    void multiplyAdd(Vec sum, Vec a, Vec b) {
      asm.vfmadd231ps(sum, a, b);
    }

    @Override
    void store(int height) {
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < tile.vectors(); v++) {
          asm.vmovups(Memory.at(c, v * tile.width().bytes()), sum(row, v));
        }
        asm.add(c, cStride);
      }
    }
  }
}
