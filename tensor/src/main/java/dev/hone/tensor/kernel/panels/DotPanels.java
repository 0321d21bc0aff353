package dev.hone.tensor.kernel.panels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Panels of signed bytes for products with inputs of 8 bits: some input features of an output
 * feature side by side, as they are multiplied and added at once. One scale an output feature.
 *
 * <pre>
 *   data     [k / unit][columns][unit] signed bytes, filled up with zeros; or for tiles
 *            [k / 64][2 tiles][16 units of 4][16 columns][4]
 *   scales   [columns] F32, then [columns] I32: the sum of an output feature's bytes
 *   inverses [cols] F32, filled up to whole steps with zeros: what numbers of an input on a grid of
 *            the layer's are multiplied with before they are rounded; of other inputs, nothing
 * </pre>
 *
 * @param order of the data
 */
public record DotPanels(
    Input input,
    int rows,
    int cols,
    Order order,
    MemorySegment data,
    MemorySegment scales,
    MemorySegment inverses)
    implements Panels {

  /** Numbers of a row that kernels round at a time, at most. */
  public static final int STEP = 64;

  /**
   * How bytes lie.
   *
   * @param unit input features that are multiplied and added at once
   * @param tile units, and columns, of a tile; 0: there are none
   */
  public record Order(int columns, int unit, int tile) {
    /** For tile instructions. */
    public static final Order TILES = new Order(32, 4, 16);

    /** For vectors. */
    public static Order of(int columns, int unit) {
      return new Order(columns, unit, 0);
    }

    /** Units of a panel. */
    int units(int cols) {
      int units = (cols + unit - 1) / unit;
      return tile == 0 ? units : (units + tile - 1) / tile * tile;
    }

    /** Where an input feature of a column lies in its panel. */
    long place(int k, int column) {
      if (tile == 0) {
        return ((long) k / unit * columns + column) * unit + k % unit;
      }
      int u = k / unit;
      long tiles = (long) u / tile * (columns / tile) + column / tile;
      return ((tiles * tile + u % tile) * tile + column % tile) * unit + k % unit;
    }
  }

  /** Input features up to which no sum of products leaves 32 bits. */
  private static final int MOST_COLS = 1 << 15;

  /** Whether a matrix can be packed so: bytes around zero, one scale a row. */
  public static boolean fits(Tensor weight) {
    return weight.dtype() instanceof Affine type && type.bytesByRow() && weight.cols() <= MOST_COLS;
  }

  /** Packs a matrix that {@link #fits}. */
  public static DotPanels pack(
      Tensor weight, Input input, Order order, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int columns = order.columns();
    long panels = (rows + columns - 1L) / columns;
    long panelBytes = (long) order.units(cols) * order.unit() * columns;
    DotPanels packed =
        new DotPanels(
            input,
            rows,
            cols,
            order,
            arena.allocate(panels * panelBytes, Tensor.ALIGNMENT),
            arena.allocate(panels * 2 * columns * Float.BYTES, Tensor.ALIGNMENT),
            input instanceof StaticInt8 grid ? inverses(grid, cols, arena) : MemorySegment.NULL);
    pool.run((int) panels, p -> packed.fill(weight, p));
    return packed;
  }

  /** As {@code inverses} of the record, for kernels that round rows to it. */
  public static MemorySegment inverses(StaticInt8 grid, int cols, Arena arena) {
    long filled = (cols + STEP - 1L) / STEP * STEP;
    MemorySegment inverses = arena.allocate(filled * Float.BYTES, Tensor.ALIGNMENT);
    for (int i = 0; i < cols; i++) {
      inverses.setAtIndex(Tensor.FLOAT, i, grid.inverse(i));
    }
    return inverses;
  }

  private void fill(Tensor weight, int panel) {
    int columns = columns();
    byte[] row = new byte[cols];
    float[] scale = new float[1];
    for (int n = panel * columns; n < Math.min(rows, (panel + 1) * columns); n++) {
      MemorySegment.copy(weight.data(), JAVA_BYTE, (long) n * cols, row, 0, cols);
      int sum = 0;
      for (int k = 0; k < cols; k++) {
        data.set(JAVA_BYTE, at(panel) + order.place(k, n % columns), row[k]);
        sum += row[k];
      }
      Layouts.decode(weight.scales(), n, scale);
      long at = scalesAt(panel) + (long) n % columns * Float.BYTES;
      scales.set(Tensor.FLOAT, at, Math.abs(scale[0]) < Float.MIN_NORMAL ? 0 : scale[0]);
      scales.set(JAVA_INT, at + (long) columns * Float.BYTES, sum);
    }
  }

  @Override
  public int columns() {
    return order.columns();
  }

  /** Steps of as many input features as are multiplied and added at once. */
  public int units() {
    return order.units(cols);
  }

  /** Where a panel begins in {@link #data}, in bytes. */
  public long at(int panel) {
    return (long) panel * units() * order.unit() * columns();
  }

  /** Where a panel begins in {@link #scales}, in bytes. */
  public long scalesAt(int panel) {
    return 2L * panel * columns() * Float.BYTES;
  }

  @Override
  public long packedBytes() {
    return data.byteSize() + scales.byteSize() + inverses.byteSize();
  }

  @Override
  public Arithmetic arithmetic() {
    return Arithmetic.INT8;
  }
}
