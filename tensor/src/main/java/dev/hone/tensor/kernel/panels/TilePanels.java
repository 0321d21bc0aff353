package dev.hone.tensor.kernel.panels;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.layout.PlainLayout;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Panels of BF16 or F32 in the order in which tile instructions read them: a column's input
 * features in pairs, 16 columns beside each other.
 *
 * <pre>
 *   [panel][step of 32 input features][part][2 tiles][16 pairs][16 columns][2] BF16
 * </pre>
 *
 * A BF16 is one part. An F32 is two: its nearest BF16, and what is left of it rounded to BF16,
 * which together hold 16 of its 24 bits. The last panel and the last step are filled up with zeros.
 *
 * @param type BF16 or F32
 * @param rounded whether their input is rounded to BF16
 */
public record TilePanels(Plain type, boolean rounded, int rows, int cols, MemorySegment data)
    implements Panels {
  /** Output features of a panel. */
  public static final int COLUMNS = 32;

  /** Input features of a step. */
  public static final int STEP = 32;

  private static final int TILE_COLUMNS = 16;

  /** Numbers of a tile. */
  private static final int TILE = STEP * TILE_COLUMNS;

  private static final float LARGEST = Float.intBitsToFloat(0x7F7F0000);

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * Whether a matrix can be packed so, and is worth it: of fewer input features most of a tile
   * would be zeros, and what F32 loses in two parts would not even out over the sum.
   */
  public static boolean fits(Tensor weight) {
    return (weight.dtype() == Plain.F32 || weight.dtype() == Plain.BF16) && weight.cols() >= STEP;
  }

  /** Packs a matrix that {@link #fits}, for products that read their input so or as floats. */
  public static TilePanels pack(Tensor weight, Input input, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    Plain type = (Plain) weight.dtype();
    long panels = (rows + COLUMNS - 1L) / COLUMNS;
    long bytes = panels * panelBytes(type, cols);
    boolean rounded = rounds(type, input);
    TilePanels packed =
        new TilePanels(type, rounded, rows, cols, arena.allocate(bytes, Tensor.ALIGNMENT));
    pool.run((int) panels, p -> packed.fill(weight, p));
    return packed;
  }

  /** Whether products with such a weight can round their input so. */
  public static boolean rounds(DType type, Input input) {
    return type == Plain.BF16 && input.equals(Input.BF16);
  }

  private void fill(Tensor weight, int panel) {
    float[] row = new float[cols];
    short[] block = new short[(int) (panelBytes(type, cols) / Short.BYTES)];
    int first = panel * COLUMNS;
    for (int j = 0; j < Math.min(COLUMNS, rows - first); j++) {
      Layouts.decode(weight, first + j, row);
      for (int k = 0; k < cols; k++) {
        int at = k / STEP * parts(type) * 2 * TILE + place(k % STEP, j);
        float nearest = parts(type) == 1 ? row[k] : nearest(row[k]);
        block[at] = (short) (Float.floatToRawIntBits(nearest) >>> 16);
        if (parts(type) == 2) {
          block[at + 2 * TILE] = PlainLayout.floatToBf16(row[k] - nearest);
        }
      }
    }
    MemorySegment.copy(block, 0, data, SHORT, at(panel), block.length);
  }

  /** Where an input feature of a step and a column of a panel lies, in numbers. */
  public static int place(int k, int column) {
    return (column / TILE_COLUMNS) * TILE
        + k / 2 * 2 * TILE_COLUMNS
        + column % TILE_COLUMNS * 2
        + k % 2;
  }

  /** The nearest BF16 that is finite; NaN of NaN. */
  private static float nearest(float x) {
    float finite = Math.max(-LARGEST, Math.min(LARGEST, x));
    return Float.isNaN(x)
        ? x
        : Float.intBitsToFloat(Float.floatToRawIntBits(finite) + 0x8000 & 0xFFFF0000);
  }

  private static int parts(Plain type) {
    return type == Plain.F32 ? 2 : 1;
  }

  private static long panelBytes(Plain type, int cols) {
    return (cols + STEP - 1L) / STEP * parts(type) * 2 * TILE * Short.BYTES;
  }

  /** Where a panel begins, in bytes. */
  public long at(int panel) {
    return panel * panelBytes(type, cols);
  }

  @Override
  public int columns() {
    return COLUMNS;
  }

  @Override
  public long packedBytes() {
    return data.byteSize();
  }

  @Override
  public Arithmetic arithmetic() {
    return rounded ? Arithmetic.BF16 : Arithmetic.F32;
  }
}
