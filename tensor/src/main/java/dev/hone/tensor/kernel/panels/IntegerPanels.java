package dev.hone.tensor.kernel.panels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.IntegerRow;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Panels of integers with a scale for each group of input features: every quantized type.
 *
 * <pre>
 *   8 bits   [k][columns] signed bytes
 *   4 bits   [k / 2][columns] bytes: the even k in the low nibble, 0..15
 *   scales   [group][columns] floats       zeros    [group][columns] signed bytes, null: all {@code middle}
 *                                        shifts   [group][columns] floats, instead of zeros, or null
 * </pre>
 *
 * {@code w = (q - zero) * scale}, or {@code w = q * scale + shift}.
 *
 * @param group input features that share a scale; even at 4 bits
 */
public record IntegerPanels(
    int rows,
    int cols,
    int columns,
    int bits,
    int group,
    int middle,
    MemorySegment data,
    MemorySegment scales,
    MemorySegment zeros,
    MemorySegment shifts)
    implements WidenedPanels {

  /** What nibbles hold for zero where all have the same: 3 bits and 2 are moved there. */
  private static final int NIBBLES_MIDDLE = 8;

  /** A load of 64 bits where 32 are wanted may read past the last column. */
  private static final int SLACK = 4;

  public IntegerPanels {
    if (bits != 8 && bits != 4) {
      throw new IllegalArgumentException("bits=" + bits + ": panels hold 4 or 8");
    }
  }

  /** What is added to an integer times its scale: the same number for all, or one a group. */
  private enum Shift {
    MIDDLE,
    ZEROS,
    FLOATS
  }

  private static IntegerPanels allocate(
      int rows, int cols, int columns, int bits, int group, int middle, Shift shift, Arena arena) {
    long panels = (rows + columns - 1L) / columns;
    long bytesDown = bits == 8 ? cols : (cols + 1L) / 2;
    long groups = (cols + group - 1L) / group;
    return new IntegerPanels(
        rows,
        cols,
        columns,
        bits,
        group,
        middle,
        arena.allocate(panels * bytesDown * columns + SLACK, Tensor.ALIGNMENT),
        arena.allocate(panels * groups * columns * 4, Tensor.ALIGNMENT),
        shift == Shift.ZEROS
            ? arena.allocate(panels * groups * columns + SLACK, Tensor.ALIGNMENT)
            : null,
        shift == Shift.FLOATS
            ? arena.allocate(panels * groups * columns * 4, Tensor.ALIGNMENT)
            : null);
  }

  static IntegerPanels pack(
      Tensor weight, Affine type, int columns, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    boolean nibbles = type.bits() <= 4;
    int middle = nibbles && type.symmetric() ? NIBBLES_MIDDLE : 0;
    Shift shift = type.symmetric() ? Shift.MIDDLE : Shift.ZEROS;
    int group = type.groupColumns(cols);
    IntegerPanels packed =
        allocate(rows, cols, columns, nibbles ? 4 : 8, group, middle, shift, arena);
    int groups = type.groups(cols);
    pool.run(
        packed.panels(),
        p -> {
          IntegerRow row = IntegerRow.of(type, cols);
          for (int n = p * columns; n < Math.min(rows, (p + 1) * columns); n++) {
            Layouts.integers(weight, n, row);
            packed.setRow(n, nibbles ? pairs(row.integers(), middle) : row.integers());
            packed.setScales(n, row.scales());
            for (int g = 0; g < groups && !type.symmetric(); g++) {
              byte zero = weight.zeros().data().get(JAVA_BYTE, (long) n * groups + g);
              packed.zeros.set(JAVA_BYTE, packed.groupAt(n, g), zero);
            }
          }
        });
    return packed;
  }

  /**
   * Types of up to 4 bits keep them; those of 5, 6 and 8 take a byte a number.
   *
   * <p>Scales are F32, so that a group of 16 with a shift (Q2_K) takes 4 more bits a number.
   */
  static IntegerPanels pack(Tensor weight, Block type, int columns, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    boolean nibbles = type.bits() <= 4;
    int middle = nibbles ? type.middle() : 0;
    Shift shift = type.shifted() ? Shift.FLOATS : Shift.MIDDLE;
    IntegerPanels packed =
        allocate(rows, cols, columns, nibbles ? 4 : 8, type.group(), middle, shift, arena);
    pool.run(
        packed.panels(),
        p -> {
          IntegerRow row = IntegerRow.of(type, cols);
          for (int n = p * columns; n < Math.min(rows, (p + 1) * columns); n++) {
            Layouts.integers(weight, n, row);
            packed.setRow(n, nibbles ? pairs(row.integers(), middle) : row.integers());
            packed.setScales(n, row.scales());
            if (row.shifts() != null) {
              packed.setFloats(packed.shifts, n, row.shifts());
            }
          }
        });
    return packed;
  }

  /** Two columns a byte, the even one in the low nibble. */
  private static byte[] pairs(byte[] integers, int middle) {
    byte[] pairs = new byte[(integers.length + 1) / 2];
    for (int i = 0; i < integers.length; i++) {
      pairs[i / 2] |= (byte) (integers[i] + middle << i % 2 * 4);
    }
    return pairs;
  }

  private void setRow(int n, byte[] integers) {
    long at = (long) (n / columns) * bytesDown() * columns + n % columns;
    for (int i = 0; i < bytesDown(); i++) {
      data.set(JAVA_BYTE, at + (long) i * columns, integers[i]);
    }
  }

  private void setScales(int n, float[] rowScales) {
    setFloats(scales, n, rowScales);
  }

  private void setFloats(MemorySegment to, int n, float[] from) {
    for (int g = 0; g < from.length; g++) {
      // a denormal factor would slow every multiplication; what it scales is nothing
      to.set(Tensor.FLOAT, groupAt(n, g) * 4, Math.abs(from[g]) < Float.MIN_NORMAL ? 0 : from[g]);
    }
  }

  private int bytesDown() {
    return bits == 8 ? cols : (cols + 1) / 2;
  }

  /** Where input feature {@code k} of a panel lies, in bytes; k is even at 4 bits. */
  public long at(int panel, int k) {
    return ((long) panel * bytesDown() + (bits == 8 ? k : k / 2)) * columns;
  }

  /** The number of a panel's first scale in a group; its first zero and shift have the same. */
  public long groupOf(int panel, int g) {
    int groups = (cols + group - 1) / group;
    return ((long) panel * groups + g) * columns;
  }

  private long groupAt(int n, int g) {
    return groupOf(n / columns, g) + n % columns;
  }

  @Override
  public long packedBytes() {
    return data.byteSize()
        + scales.byteSize()
        + (zeros == null ? 0 : zeros.byteSize())
        + (shifts == null ? 0 : shifts.byteSize());
  }
}
