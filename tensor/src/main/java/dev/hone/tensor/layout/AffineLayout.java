package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Integers with a scale for each group of columns: {@code w = (q - zero) * scale}.
 *
 * <pre>
 *   8 bits   | q0 | q1 | q2 | ...            one signed byte a column, -128..127
 *
 *   4 bits   | q7 q6 q5 q4 q3 q2 q1 q0 | ...   32-bit words, little-endian: the first column lowest
 *   3 bits   | - q9 q8 ... q1 q0 | ...         of as many columns as fit, and what is left is 0
 *
 *   scales   | s0 | s1 | ...                 one a group     zeros  | z0 | z1 | ...   signed bytes
 * </pre>
 *
 * The scale of a symmetric group is its largest magnitude over half the range (7.5 of 4 bits), as
 * compressed-tensors computes it, so that the far end of one side is clamped by half a step. The
 * range of an asymmetric group includes zero, which is then exact.
 */
record AffineLayout(Affine type) implements Layout {
  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static Tensor allocate(Arena arena, Affine type, Plain scaleType, Tensor like) {
    if (like.rank() != 2) {
      throw new IllegalArgumentException(
          type.label() + " holds matrices; the tensor has shape " + like.shapeText());
    }
    return allocate(arena, type, scaleType, like.rows(), like.cols());
  }

  static Tensor allocate(Arena arena, Affine type, Plain scaleType, long rows, long cols) {
    long groups = type.groups(cols);
    MemorySegment data = arena.allocate(rows * type.rowBytes(cols), Tensor.ALIGNMENT);
    Tensor scales = Tensor.allocate(arena, scaleType, rows, groups);
    Tensor zeros = type.symmetric() ? null : Tensor.allocate(arena, Plain.I8, rows, groups);
    return Tensor.affine(type, data, rows, cols, scales, zeros);
  }

  @Override
  public void decode(Tensor tensor, long row, float[] out) {
    int cols = Math.toIntExact(tensor.cols());
    int group = type.groupColumns(cols);
    long rowStart = row * type.rowBytes(cols);
    PlainLayout scaleLayout = new PlainLayout((Plain) tensor.scales().dtype());
    int[] order = tensor.columnOrder();
    for (int g = 0; g < type.groups(cols); g++) {
      long place = row * type.groups(cols) + g;
      float scale = scaleLayout.get(tensor.scales().data(), place);
      int zero = zero(tensor, row, g);
      for (int i = g * group; i < Math.min(cols, (g + 1) * group); i++) {
        out[order == null ? i : order[i]] = (get(tensor.data(), rowStart, i) - zero) * scale;
      }
    }
  }

  /** The same numbers in 4 bits, or in 8. */
  Tensor widened(Tensor tensor, Arena arena) {
    var wide =
        new AffineLayout(
            new Affine(type.bits() <= 4 ? 4 : 8, type.group(), type.symmetric(), type.perTensor()));
    int cols = Math.toIntExact(tensor.cols());
    long rows = tensor.rows();
    int by = type.symmetric() ? wide.type.middle() - type.middle() : 0;
    MemorySegment data = arena.allocate(rows * wide.type.rowBytes(cols), Tensor.ALIGNMENT);
    for (long row = 0; row < rows; row++) {
      for (int i = 0; i < cols; i++) {
        int q = get(tensor.data(), row * type.rowBytes(cols), i);
        wide.set(data, row * wide.type.rowBytes(cols), i, q + by);
      }
    }
    Tensor made = Tensor.affine(wide.type, data, rows, cols, tensor.scales(), tensor.zeros());
    return tensor.columnOrder() == null ? made : made.inColumnOrder(tensor.columnOrder());
  }

  /** Takes a row apart. */
  void read(Tensor tensor, long row, IntegerRow out) {
    int groups = type.groups(tensor.cols());
    long rowStart = row * type.rowBytes(tensor.cols());
    int taken = type.symmetric() ? type.middle() : 0;
    unpack(tensor.data(), rowStart, taken, out.integers());
    Layouts.decode(tensor.scales(), row, out.scales());
    for (int g = 0; g < groups && !type.symmetric(); g++) {
      out.shifts()[g] = -zero(tensor, row, g) * out.scales()[g];
    }
  }

  /** A word at a time: weights are loaded by it. */
  private void unpack(MemorySegment data, long rowStart, int taken, byte[] out) {
    if (type.bits() == 8) {
      MemorySegment.copy(data, JAVA_BYTE, rowStart, out, 0, out.length); // nothing is taken
      return;
    }
    int mask = steps();
    int bits = type.bits();
    for (int from = 0; from < out.length; from += type.perWord()) {
      int word = data.get(WORD, word(rowStart, from));
      for (int i = from; i < Math.min(out.length, from + type.perWord()); i++) {
        out[i] = (byte) ((word & mask) - taken);
        word >>>= bits;
      }
    }
  }

  /** The integer that stands for zero in a group. */
  private int zero(Tensor tensor, long row, int group) {
    long place = row * type.groups(tensor.cols()) + group;
    return type.symmetric() ? type.middle() : tensor.zeros().data().get(JAVA_BYTE, place);
  }

  /** Gives all rows the grid of the whole matrix, on which {@link #encode} then rounds. */
  void shareGrid(Tensor source, Tensor target) {
    float[] in = new float[Math.toIntExact(source.cols())];
    float low = 0;
    float high = 0;
    for (long row = 0; row < source.rows(); row++) {
      Layouts.decode(source, row, in);
      Range range = range(in, 0, in.length, row);
      low = Math.min(low, range.low);
      high = Math.max(high, range.high);
    }
    for (long row = 0; row < source.rows(); row++) {
      setGrid(new Range(low, high), target, row, 0);
    }
  }

  /** Where the whole tensor shares a grid, it must be there. */
  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    int cols = Math.toIntExact(tensor.cols());
    int group = type.groupColumns(cols);
    for (int g = 0; g < type.groups(cols); g++) {
      int from = g * group;
      int to = Math.min(cols, from + group);
      if (!type.perTensor()) {
        setGrid(range(in, from, to, row), tensor, row, g);
      }
      round(in, from, to, tensor, row, g);
    }
  }

  /** Writes integers that were chosen elsewhere. */
  void write(IntegerRow row, Tensor tensor, long index) {
    int cols = Math.toIntExact(tensor.cols());
    int group = type.groupColumns(cols);
    long rowStart = index * type.rowBytes(cols);
    PlainLayout scaleLayout = new PlainLayout((Plain) tensor.scales().dtype());
    int least = type.least();
    for (int g = 0; g < type.groups(cols); g++) {
      long place = index * type.groups(cols) + g;
      float scale = row.scales()[g];
      scaleLayout.set(tensor.scales().data(), place, scale);
      int zero = type.middle();
      if (!type.symmetric()) {
        double steps = scale == 0 ? 0 : -row.shifts()[g] / (double) scale;
        zero = (int) Math.rint(steps);
        if (Math.abs(steps - zero) > 1e-3 || zero < least || zero > least + steps()) {
          throw new IllegalArgumentException(
              "shift="
                  + row.shifts()[g]
                  + ", scale="
                  + scale
                  + ": no zero point of "
                  + type.label());
        }
        tensor.zeros().data().set(JAVA_BYTE, place, (byte) zero);
      }
      for (int i = g * group; i < Math.min(cols, (g + 1) * group); i++) {
        int q = row.integers()[i] + (type.symmetric() ? zero : 0);
        if (q < least || q > type.most()) {
          throw new IllegalArgumentException(
              "integer " + q + " at row " + index + ", column " + i + ": not of " + type.label());
        }
        set(tensor.data(), rowStart, i, q);
      }
    }
  }

  /** The least and the largest number of a group, and zero. */
  private record Range(float low, float high) {}

  private Range range(float[] in, int from, int to, long row) {
    float low = 0;
    float high = 0;
    for (int i = from; i < to; i++) {
      if (!Float.isFinite(in[i])) {
        throw new ArithmeticException(
            in[i] + " at row " + row + ", column " + i + " cannot be quantized to " + type.label());
      }
      low = Math.min(low, in[i]);
      high = Math.max(high, in[i]);
    }
    return new Range(low, high);
  }

  private void setGrid(Range range, Tensor tensor, long row, int g) {
    int least = type.least();
    int steps = steps();
    PlainLayout scaleLayout = new PlainLayout((Plain) tensor.scales().dtype());
    float exact =
        type.symmetric()
            ? Math.max(-range.low, range.high) / (steps / 2f)
            : (range.high - range.low) / steps;
    if (Float.isInfinite(exact)) {
      throw new ArithmeticException(
          "row " + row + " spans " + range.low + " to " + range.high + ": too wide to quantize");
    }
    float scale = scaleLayout.round(exact);
    if (scale < Float.MIN_NORMAL) {
      scale = 1; // nothing but zeros, or too small to tell from them
    }
    long place = row * type.groups(tensor.cols()) + g;
    scaleLayout.set(tensor.scales().data(), place, scale);
    if (!type.symmetric()) {
      int zero = clamp(Math.rint(least - range.low / scale), least, steps);
      tensor.zeros().data().set(JAVA_BYTE, place, (byte) zero);
    }
  }

  private void round(float[] in, int from, int to, Tensor tensor, long row, int g) {
    PlainLayout scaleLayout = new PlainLayout((Plain) tensor.scales().dtype());
    float scale = scaleLayout.get(tensor.scales().data(), row * type.groups(tensor.cols()) + g);
    int zero = zero(tensor, row, g);
    long rowStart = row * type.rowBytes(tensor.cols());
    for (int i = from; i < to; i++) {
      int q = clamp(Math.rint(in[i] / scale + zero), type.least(), steps());
      set(tensor.data(), rowStart, i, q);
    }
  }

  /** From the least integer to the largest; as bits, all of a number's. */
  private int steps() {
    return type.most() - type.least();
  }

  private static int clamp(double value, int least, int steps) {
    return (int) Math.clamp(value, least, least + steps);
  }

  private int get(MemorySegment data, long rowStart, int col) {
    if (type.bits() == 8) {
      return data.get(JAVA_BYTE, rowStart + col);
    }
    return data.get(WORD, word(rowStart, col)) >>> shift(col) & steps();
  }

  private void set(MemorySegment data, long rowStart, int col, int q) {
    if (type.bits() == 8) {
      data.set(JAVA_BYTE, rowStart + col, (byte) q);
      return;
    }
    long at = word(rowStart, col);
    int shift = shift(col);
    data.set(WORD, at, data.get(WORD, at) & ~(steps() << shift) | q << shift);
  }

  private long word(long rowStart, int col) {
    return rowStart + (long) (col / type.perWord()) * Integer.BYTES;
  }

  private int shift(int col) {
    return col % type.perWord() * type.bits();
  }
}
