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
 * Rows times panels of weights: {@code c[r, j] += Σk a[r, k] b[k, j]}, added in F32.
 *
 * <pre>
 *   a  rows a stride apart    b  panels a stride apart, [k][columns]    c  rows a stride apart
 *
 *   FLOATS   a place is an F32                  VFMADD231PS
 *   PAIRS    a place is two BF16, for two k     VDPBF16PS
 * </pre>
 */
final class ProductKernel {
  /** What a place of a and of b holds, of 4 bytes. */
  enum Form {
    FLOATS,
    PAIRS
  }

  private final Tile tile;
  private final MemorySegment code;

  ProductKernel(Tile tile, Form form) {
    this.tile = tile;
    this.code = CodeMemory.install(assemble(tile, form));
  }

  int columns() {
    return tile.columns();
  }

  int height() {
    return tile.height();
  }

  /**
   * @param a [rows] of {@code depth} places, {@code aStride} bytes apart
   * @param b [panels] of [depth][columns], {@code bStride} bytes apart
   * @param c [rows][panels * columns], {@code cStride} bytes apart
   * @param start that the sums of a panel begin with: [columns], those of the next panel {@code
   *     startStep} bytes further on; {@link MemorySegment#NULL}: with what c holds
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment b,
      long bStride,
      MemorySegment c,
      long cStride,
      long rows,
      long depth,
      long panels,
      MemorySegment start,
      long startStep) {
    boolean adds = start.equals(MemorySegment.NULL);
    long width = (long) columns() * Float.BYTES;
    if (rows <= 0 || depth <= 0 || panels <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", depth=" + depth + ", panels=" + panels);
    }
    Segments.require(a, rows, aStride, depth * Float.BYTES);
    Segments.require(b, panels, bStride, depth * width);
    Segments.require(c, rows, cStride, panels * width);
    if (!adds) {
      Segments.require(start, panels, startStep, width);
    }
    CodeMemory.call(
        code,
        address(b),
        depth,
        address(start),
        aStride,
        cStride,
        panels,
        address(a),
        address(c),
        rows,
        bStride,
        TileWriter.aheadStep(tile, rows, width),
        adds ? 0 : startStep);
  }

  static Assembly assemble(Tile tile, Form form) {
    String name = form == Form.FLOATS ? "product-f32-" : "product-bf16-";
    return new Writer(tile, form).write(name + tile);
  }

  private static final class Writer extends TileWriter {
    private final Form form;
    private final Gpr start;

    Writer(Tile tile, Form form) {
      super(tile, "start");
      this.form = form;
      start = third;
    }

    @Override
    void nextPanel() {
      asm.add(start, ownArgument(0));
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
      switch (form) {
        case FLOATS -> asm.vfmadd231ps(sum, a, b);
        case PAIRS -> asm.vdpbf16ps(sum, a, b);
      }
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
