package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.TileWriter.Tile;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * Rows of integers times panels of bytes, made floats at the end: {@code c[r, j] = scale[r]
 * scale[j] Σk a[r, k] b[k, j] + bias[j]}. The sums are exact.
 *
 * <pre>
 *   a  rows a stride apart                      grid of a row   | scale F32 | -zero I32 |
 *   b  [panel][k / unit][columns][unit] bytes   of a panel      scales [columns] F32, sums [columns] I32
 *
 *   WORDS   unit 2   a: q - zero as 16 bits     VPMADDWD of words that b is widened to
 *   BYTES   unit 4   a: q as 8 bits, 0..255     VPDPBUSD; Σ q b - zero Σ b, the latter known before
 * </pre>
 *
 * Without VNNI bytes by bytes would have to be added in 16 bits, which cannot hold them: widened to
 * words they are exact, twice as many a step as floats are.
 */
final class IntegerProductKernel {
  /** How integers are multiplied and added. */
  enum Form {
    WORDS(2),
    BYTES(4);

    private final int unit;

    Form(int unit) {
      this.unit = unit;
    }

    /** Numbers that are multiplied and added at once. */
    int unit() {
      return unit;
    }

    /** Of a number of a row. */
    int bytes() {
      return PLACE / unit;
    }
  }

  /** Bytes of a row's numbers that are multiplied at once. */
  private static final int PLACE = 4;

  private final Tile tile;
  private final Form form;
  private final MemorySegment code;

  IntegerProductKernel(Tile tile, Form form) {
    this.tile = tile;
    this.form = form;
    this.code = CodeMemory.install(assemble(tile, form));
  }

  /** The one for a processor. */
  static IntegerProductKernel of(Set<Feature> features) {
    if (features.contains(Feature.AVX512)) {
      boolean dots = features.contains(Feature.AVX512_VNNI);
      return new IntegerProductKernel(Tile.AVX512, dots ? Form.BYTES : Form.WORDS);
    }
    boolean dots = features.contains(Feature.AVX_VNNI);
    return new IntegerProductKernel(Tile.AVX2, dots ? Form.BYTES : Form.WORDS);
  }

  Form form() {
    return form;
  }

  int columns() {
    return tile.columns();
  }

  /**
   * @param a [rows] of {@code units} times the form's unit numbers, {@code aStride} bytes apart
   * @param grids [rows] of a scale and a zero with the opposite sign
   * @param b [panels][units][columns][unit]
   * @param scales [panels] of [columns] scales, then sums of b over k
   * @param bias [columns], those of the next panel {@code biasStep} bytes further on
   * @param c [rows][panels * columns], {@code cStride} bytes apart
   */
  void run(
      MemorySegment a,
      long aStride,
      MemorySegment grids,
      MemorySegment b,
      MemorySegment scales,
      MemorySegment bias,
      long biasStep,
      MemorySegment c,
      long cStride,
      long rows,
      long units,
      long panels) {
    long width = (long) columns() * Float.BYTES;
    long panelBytes = units * columns() * form.unit();
    if (rows <= 0 || units <= 0 || panels <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", units=" + units + ", panels=" + panels);
    }
    Segments.require(a, rows, aStride, units * PLACE);
    Segments.require(grids, rows, Grids.BYTES, Grids.BYTES);
    Segments.require(b, panels, panelBytes, panelBytes);
    Segments.require(scales, panels, 2 * width, 2 * width);
    Segments.require(bias, panels, biasStep, width);
    Segments.require(c, rows, cStride, panels * width);
    CodeMemory.call(
        code,
        address(b),
        units,
        address(grids),
        aStride,
        cStride,
        panels,
        address(a),
        address(c),
        rows,
        panelBytes,
        TileWriter.aheadStep(tile, rows, (long) columns() * form.unit()),
        address(grids),
        address(scales),
        address(bias),
        biasStep);
  }

  static Assembly assemble(Tile tile, Form form) {
    String name = "product-" + form.name().toLowerCase(java.util.Locale.ROOT) + "-" + tile;
    return new Writer(tile, form).write(name);
  }

  private static final class Writer extends TileWriter {
    // Of its own arguments.
    private static final int FIRST_GRID = 0;
    private static final int SCALES = 1;
    private static final int BIAS = 2;
    private static final int BIAS_STEP = 3;

    private final Form form;
    private final Gpr grids;
    private final Vec product;

    Writer(Tile tile, Form form) {
      super(tile, "grids");
      this.form = form;
      grids = third;
      product = registers.vec("product");
    }

    @Override
    void nextPanel() {
      asm.mov(grids, ownArgument(FIRST_GRID));
      asm.mov(k, ownArgument(SCALES));
      asm.add(k, 2 * tile.columns() * Float.BYTES);
      asm.mov(ownArgument(SCALES), k);
      asm.mov(k, ownArgument(BIAS));
      asm.add(k, ownArgument(BIAS_STEP));
      asm.mov(ownArgument(BIAS), k);
    }

    @Override
    void begin(int height) {
      for (int row = 0; row < height; row++) {
        for (int v = 0; v < tile.vectors(); v++) {
          asm.vxorps(sum(row, v), sum(row, v), sum(row, v));
        }
      }
    }

    @Override
    int stepBytes() {
      return tile.width().floats() * form.unit();
    }

    @Override
    void loadWeights(Vec to, Memory from) {
      switch (form) {
        case WORDS -> asm.vpmovsxbw(to, from);
        case BYTES -> asm.vmovups(to, from);
      }
    }

    @Override
    void spread(Vec to, Memory from) {
      asm.vpbroadcastd(to, from);
    }

    @Override
    void multiplyAdd(Vec sum, Vec a, Vec b) {
      switch (form) {
        case WORDS -> {
          asm.vpmaddwd(product, a, b);
          asm.vpaddd(sum, sum, product);
        }
        case BYTES -> asm.vpdpbusd(sum, a, b);
      }
    }

    @Override
    void store(int height) {
      Gpr scales = panel; // both are free until the next tile
      Gpr bias = k;
      int bytes = tile.width().bytes();
      asm.mov(scales, ownArgument(SCALES));
      asm.mov(bias, ownArgument(BIAS));
      for (int row = 0; row < height; row++) {
        if (form == Form.BYTES) {
          asm.vpbroadcastd(spread, Memory.at(grids, row * Grids.BYTES + Grids.ZERO));
          for (int v = 0; v < tile.vectors(); v++) {
            int sums = (tile.vectors() + v) * bytes;
            asm.vpmulld(product, spread, Memory.at(scales, sums));
            asm.vpaddd(sum(row, v), sum(row, v), product);
          }
        }
        asm.vbroadcastss(spread, Memory.at(grids, row * Grids.BYTES));
        for (int v = 0; v < tile.vectors(); v++) {
          asm.vcvtdq2ps(sum(row, v), sum(row, v));
          asm.vmulps(product, spread, Memory.at(scales, v * bytes));
          asm.vfmadd213ps(sum(row, v), product, Memory.at(bias, v * bytes));
          asm.vmovups(Memory.at(c, v * bytes), sum(row, v));
        }
        asm.add(c, cStride);
      }
      asm.add(grids, height * Grids.BYTES);
    }
  }
}
