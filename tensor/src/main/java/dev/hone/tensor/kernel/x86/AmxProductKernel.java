package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rows times panels of weights by tile instructions: {@code c[r, j] = bias[j] + Σk a[r, k] b[k,
 * j]}. Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
 *
 * <pre>
 *   b  [panel][step][part][2 tiles][16 groups of k][16 columns] of 4 bytes: k, k + 1 ... of a column
 *   a  [32 rows][step][part][row] of 64 bytes: as many k
 *
 *                       b   | b 0   | b 1   |
 *      a                    +-------+-------+
 *   16 rows of 64 bytes     | sum 0 | sum 1 |   in tiles while the steps of a block run
 *   16 rows                 | sum 2 | sum 3 |
 *                           +-------+-------+
 * </pre>
 *
 * A block of a panel stays in a cache while all rows pass; between two blocks the sums wait in
 * memory. From there, after the last one, they are written to c: beside the steps of the next rows,
 * because they are not at hand at once. Tiles are whole: what lies behind the last row and the last
 * k must be there, and that behind k must be zero in b. The tiles' configuration is loaded in every
 * call and given up in it: it belongs to the thread.
 */
final class AmxProductKernel {
  /** Bytes of the sums of two tiles' rows. */
  static final int SUM_BYTES = 4 * AmxForm.TILE_BYTES;

  /** What a block of a panel takes of the second-level cache, at most. */
  private static final int BLOCK_BYTES = 96 << 10;

  /** Of c that a panel makes of a row. */
  static final int PANEL_ROW = AmxForm.COLUMNS * Float.BYTES;

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

  /** Of panels that are made from blocks; null where they are there. */
  private final BlockForm blocks;

  private final MemorySegment code;

  AmxProductKernel(AmxForm form) {
    this.form = form;
    this.blocks = null;
    this.code = CodeMemory.install(assemble(form));
  }

  /**
   * Of panels that are made from blocks, the next one while this one is multiplied.
   *
   * @param adds whether sums are added to what c holds, not to a bias
   */
  AmxProductKernel(BlockForm blocks, boolean adds) {
    this.form = AmxForm.BF16;
    this.blocks = blocks;
    this.code = CodeMemory.install(assemble(blocks, adds));
  }

  AmxForm form() {
    return form;
  }

  /** Bytes that sums wait in: of all rows between two blocks, otherwise of the last two tiles'. */
  static long sumBytes(AmxForm form, long rows, long steps) {
    return block(form, steps) < steps
        ? (rows + AmxForm.ROWS - 1) / AmxForm.ROWS * SUM_BYTES
        : SUM_BYTES;
  }

  /** Steps of a block, each of about as many. */
  private static long block(AmxForm form, long steps) {
    long blocks = (steps * form.panelStep() + BLOCK_BYTES - 1) / BLOCK_BYTES;
    return (steps + blocks - 1) / blocks;
  }

  /** What bytes by bytes are multiplied with to be numbers. */
  record Factors(MemorySegment grids, MemorySegment scales) {
    /** Of parts that are numbers themselves. */
    static final Factors NONE = new Factors(MemorySegment.NULL, MemorySegment.NULL);
  }

  /**
   * A panel that is made beside the product of another.
   *
   * @param blocks [steps] as {@link AmxWideningKernel} reads them
   * @param tiles [steps] as it leaves them
   */
  record Next(MemorySegment blocks, MemorySegment tiles) {
    /** Of the last panel. */
    static final Next NONE = new Next(MemorySegment.NULL, MemorySegment.NULL);
  }

  /**
   * @param a {@link AmxForm#rowsBytes} as above
   * @param b [panels][steps] as above
   * @param c [rows][32 columns of each panel], {@code cStride} bytes apart
   * @param bias [32 columns]; those of the next panel {@code biasStride} bytes further on
   * @param sums {@link #sumBytes}, overwritten
   * @param factors of bytes: [rows] of {@link Grids}, and for each panel [32] scales and [32] sums
   *     of its columns
   */
  void run(
      MemorySegment a,
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
    if (form == AmxForm.INT8) {
      Segments.require(factors.grids(), rows, Grids.BYTES, Grids.BYTES);
      Segments.require(factors.scales(), panels, 2 * PANEL_ROW, 2 * PANEL_ROW);
    }
    call(
        a,
        b,
        c,
        cStride,
        rows,
        steps,
        panels,
        bias,
        biasStride,
        sums,
        factors.grids(),
        factors.scales());
  }

  /**
   * One panel of those that are made from blocks.
   *
   * @param a {@link AmxForm#rowsBytes} as above
   * @param b [steps] as above
   * @param c [rows][32 columns], {@code cStride} bytes apart
   * @param bias [32 columns]
   * @param sums {@link #sumBytes}, overwritten
   * @param next made meanwhile
   */
  void run(
      MemorySegment a,
      MemorySegment b,
      MemorySegment c,
      long cStride,
      long rows,
      long steps,
      MemorySegment bias,
      MemorySegment sums,
      Next next) {
    if (!next.equals(Next.NONE)) {
      long bytes = blocks.panels().bytes();
      Segments.require(next.blocks(), steps, bytes, bytes);
      Segments.require(next.tiles(), steps, form.panelStep(), form.panelStep());
    }
    call(a, b, c, cStride, rows, steps, 1, bias, 0, sums, next.blocks(), next.tiles());
  }

  private void call(
      MemorySegment a,
      MemorySegment b,
      MemorySegment c,
      long cStride,
      long rows,
      long steps,
      long panels,
      MemorySegment bias,
      long biasStride,
      MemorySegment sums,
      MemorySegment gridsOrBlocks,
      MemorySegment scalesOrTiles) {
    if (rows <= 0 || steps <= 0 || panels <= 0) {
      throw new IllegalArgumentException(
          "rows=" + rows + ", steps=" + steps + ", panels=" + panels);
    }
    long panelBytes = steps * form.panelStep();
    Segments.require(a, 1, 0, form.rowsBytes(rows, steps));
    Segments.require(b, panels, panelBytes, panelBytes);
    Segments.require(c, rows, cStride, panels * PANEL_ROW);
    Segments.require(bias, panels, biasStride, PANEL_ROW);
    Segments.require(sums, 1, 0, sumBytes(form, rows, steps));
    long block = block(form, steps);
    CodeMemory.call(
        code,
        address(a),
        address(b),
        address(c),
        cStride,
        rows,
        steps,
        block,
        panels,
        address(bias),
        biasStride,
        address(sums),
        block < steps ? SUM_BYTES : 0L,
        address(gridsOrBlocks),
        address(scalesOrTiles),
        address(CONFIGURATION));
  }

  static Assembly assemble(AmxForm form) {
    return new AmxProductWriter(form).write();
  }

  static Assembly assemble(BlockForm blocks, boolean adds) {
    return new AmxProductWriter(blocks, adds).write();
  }
}
