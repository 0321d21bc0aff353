package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import java.lang.foreign.MemorySegment;

/**
 * One to {@value #MOST_ROWS} rows of rounded blocks times panels: {@code c[r, j] = start[j] + Σ
 * over blocks of scale[r] scale[j] Σk a[r, k] q[k, j]}. The inner sums are exact integers. Panels
 * follow each other in one call, as one stream.
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
    return new BlockProductWriter(form, rows).write();
  }
}
