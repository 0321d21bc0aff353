package dev.hone.tensor.kernel.panels;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Panels of BF16 for products with inputs rounded to BF16: two input features of an output feature
 * side by side, as they are multiplied and added at once.
 *
 * <pre>
 *   [panel][k / 2][columns][2] BF16, filled up with zeros
 * </pre>
 */
public record PairPanels(int rows, int cols, int columns, MemorySegment data) implements Panels {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Packs a matrix of BF16. */
  public static PairPanels pack(Tensor weight, int columns, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    long panels = (rows + columns - 1L) / columns;
    long bytes = panels * panelBytes(cols, columns);
    PairPanels packed =
        new PairPanels(rows, cols, columns, arena.allocate(bytes, Tensor.ALIGNMENT));
    pool.run((int) panels, p -> packed.fill(weight.data(), p));
    return packed;
  }

  private void fill(MemorySegment source, int panel) {
    short[] row = new short[cols];
    short[] block = new short[pairs() * columns * 2];
    int first = panel * columns;
    for (int j = 0; j < Math.min(columns, rows - first); j++) {
      long at = ((long) first + j) * cols * Short.BYTES;
      MemorySegment.copy(source, SHORT, at, row, 0, cols);
      for (int k = 0; k < cols; k++) {
        block[(k / 2 * columns + j) * 2 + k % 2] = row[k];
      }
    }
    MemorySegment.copy(block, 0, data, SHORT, at(panel), block.length);
  }

  /** Steps of two input features. */
  public int pairs() {
    return (cols + 1) / 2;
  }

  private static long panelBytes(int cols, int columns) {
    return (cols + 1L) / 2 * columns * 2 * Short.BYTES;
  }

  /** Where a panel begins, in bytes. */
  public long at(int panel) {
    return panel * panelBytes(cols, columns);
  }

  @Override
  public long packedBytes() {
    return data.byteSize();
  }

  @Override
  public Arithmetic arithmetic() {
    return Arithmetic.BF16;
  }
}
