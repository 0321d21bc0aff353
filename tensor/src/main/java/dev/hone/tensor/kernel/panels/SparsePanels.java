package dev.hone.tensor.kernel.panels;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Panels of F32, F16 or BF16 without their zeros: a bit for each weight says whether there is a
 * number.
 *
 * <pre>
 *   bits      [panel][k] of as many bits as a panel has columns, the first column's the lowest
 *   numbers   those that are not zero, panel by panel, k by k, column by column
 * </pre>
 *
 * Half of the weights being zero, 0.53 of an F32's bytes are left and 0.56 of an F16's.
 *
 * @param bits readable for a word of 32 bits more
 * @param numbers readable for a vector of 64 bytes more
 * @param starts [panel][k / STEP]: how many numbers stand before; at the end of all
 */
public record SparsePanels(
    Plain type,
    int rows,
    int cols,
    int columns,
    MemorySegment bits,
    MemorySegment numbers,
    long[] starts)
    implements WidenedPanels {
  /** Input features between two places that {@link #numberAt} finds. */
  public static final int STEP = 128;

  private static final int BITS_SLACK = Integer.BYTES;
  private static final int NUMBERS_SLACK = 64;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Whether a type is stored so. */
  public static boolean fits(DType type) {
    return type == Plain.F32 || type == Plain.F16 || type == Plain.BF16;
  }

  /**
   * Packs a matrix whose type {@link #fits}.
   *
   * @param columns of a panel: a multiple of 8, at most 64
   */
  public static SparsePanels pack(Tensor weight, int columns, Arena arena, ComputePool pool) {
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    int panels = (rows + columns - 1) / columns;
    long bytes = (long) panels * cols * (columns / Byte.SIZE);
    MemorySegment bits = arena.allocate(bytes + BITS_SLACK, Tensor.ALIGNMENT);
    long[] starts = new long[panels * steps(cols) + 1];
    var counting =
        new SparsePanels((Plain) weight.dtype(), rows, cols, columns, bits, bits, starts);
    pool.run(panels, p -> counting.mark(weight, p));
    for (int i = 1; i < starts.length; i++) {
      starts[i] += starts[i - 1];
    }
    long numberBytes = starts[starts.length - 1] * counting.type.bytes();
    MemorySegment numbers = arena.allocate(numberBytes + NUMBERS_SLACK, Tensor.ALIGNMENT);
    var packed = new SparsePanels(counting.type, rows, cols, columns, bits, numbers, starts);
    pool.run(panels, p -> packed.fill(weight, p));
    return packed;
  }

  /** Writes a panel's bits, and how many numbers each step has to where the next one starts. */
  private void mark(Tensor weight, int panel) {
    long[] marks = new long[cols];
    int[] row = new int[cols];
    for (int j = 0; j < columnsOf(panel); j++) {
      read(weight, panel * columns + j, row);
      for (int k = 0; k < cols; k++) {
        marks[k] |= isZero(row[k]) ? 0 : 1L << j;
      }
    }
    for (int k = 0; k < cols; k++) {
      for (int b = 0; b < columns / Byte.SIZE; b++) {
        byte mark = (byte) (marks[k] >>> b * Byte.SIZE);
        bits.set(ValueLayout.JAVA_BYTE, bitsAt(panel, k) + b, mark);
      }
      starts[panel * steps(cols) + k / STEP + 1] += Long.bitCount(marks[k]);
    }
  }

  private void fill(Tensor weight, int panel) {
    int[] next = new int[cols];
    int first = panel * steps(cols);
    int[] block = new int[(int) (starts[first + steps(cols)] - starts[first])];
    int[] row = new int[cols];
    for (int k = 0, count = 0; k < cols; k++) {
      next[k] = count;
      for (int b = 0; b < columns / Byte.SIZE; b++) {
        byte mark = bits.get(ValueLayout.JAVA_BYTE, bitsAt(panel, k) + b);
        count += Integer.bitCount(Byte.toUnsignedInt(mark));
      }
    }
    for (int j = 0; j < columnsOf(panel); j++) {
      read(weight, panel * columns + j, row);
      for (int k = 0; k < cols; k++) {
        if (!isZero(row[k])) {
          block[next[k]++] = row[k];
        }
      }
    }
    long at = numberAt(panel, 0);
    for (int i = 0; i < block.length; i++) {
      if (type == Plain.F32) {
        numbers.set(ValueLayout.JAVA_INT_UNALIGNED, at + i * 4L, block[i]);
      } else {
        numbers.set(SHORT, at + i * 2L, (short) block[i]);
      }
    }
  }

  /** The bits of a row's numbers. */
  private void read(Tensor weight, int row, int[] out) {
    long at = (long) row * cols * type.bytes();
    if (type == Plain.F32) {
      MemorySegment.copy(weight.data(), ValueLayout.JAVA_INT_UNALIGNED, at, out, 0, cols);
      return;
    }
    for (int k = 0; k < cols; k++) {
      out[k] = weight.data().get(SHORT, at + k * 2L);
    }
  }

  private boolean isZero(int number) {
    return (type == Plain.F32 ? number << 1 : (short) (number << 1)) == 0; // of either sign
  }

  /** Output features in a panel: the last may have fewer. */
  private int columnsOf(int panel) {
    return Math.min(columns, rows - panel * columns);
  }

  private static int steps(int cols) {
    return (cols + STEP - 1) / STEP;
  }

  /** Where an input feature's bits lie, in bytes. */
  public long bitsAt(int panel, int k) {
    return ((long) panel * cols + k) * (columns / Byte.SIZE);
  }

  /**
   * Where the numbers begin that stand from an input feature on, in bytes.
   *
   * @param k a multiple of {@link #STEP}
   */
  public long numberAt(int panel, int k) {
    if (k % STEP != 0) {
      throw new IllegalArgumentException("k=" + k + ": must be a multiple of " + STEP);
    }
    return starts[panel * steps(cols) + k / STEP] * type.bytes();
  }

  /**
   * How many numbers some input features have.
   *
   * @param from a multiple of {@link #STEP}
   * @param to a multiple of it, or the last
   */
  public int count(int panel, int from, int to) {
    int first = panel * steps(cols);
    return (int) (starts[first + steps(to)] - starts[first + steps(from)]);
  }

  @Override
  public boolean sparse() {
    return true;
  }

  @Override
  public long packedBytes() {
    return bits.byteSize() + numbers.byteSize() + (long) starts.length * Long.BYTES;
  }
}
