package dev.hone.tensor.kernel.panels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Arithmetic;
import dev.hone.tensor.layout.IntegerRow;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Panels of integers for products with inputs rounded in blocks ({@link Input#BLOCK_INT8}). What a
 * panel holds of one block of input features lies together, so that a product reads one stream:
 *
 * <pre>
 *   8 bits   [k / unit][columns][unit] bytes: signed, or 128 more
 *   4 bits   [k / 8][columns][4] bytes: k .. k + 3 in the low nibbles, k + 4 .. k + 7 in the high; 0..15
 *   scales   [columns] F16 or F32
 *   shifts   [columns] F16 or F32, if there are any
 * </pre>
 *
 * {@code w = (q - middle) * scale}, or {@code w = q * scale + shift}. A weight's group of more than
 * a block repeats its scale.
 *
 * @param data panel after panel, block after block
 */
public record BlockPanels(int rows, int cols, Form form, MemorySegment data) implements Panels {
  private static final VarHandle HALF =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle SINGLE =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

  /**
   * How the numbers of a block lie.
   *
   * @param bits 4 or 8
   * @param unit input features that are multiplied and added at once: 4; of bytes also 2
   * @param middle what is taken from an integer; 0 where there are shifts
   * @param shifted whether a group has a shift
   * @param scaleBytes 2 for F16, 4 for F32
   */
  public record Form(int columns, int bits, int unit, int middle, boolean shifted, int scaleBytes) {

    /** Bytes that one block takes. */
    public int bytes() {
      return dataBytes() + columns * scaleBytes * (shifted ? 2 : 1);
    }

    /** Where its scales begin. */
    public int dataBytes() {
      return Input.BLOCK * bits / Byte.SIZE * columns;
    }

    /** Puts the integer of input feature k of a block, 0 until then, into its place. */
    public void put(byte[] block, int k, int column, int q) {
      if (bits == 4) {
        int at = (k / 8 * columns + column) * 4 + k % 4;
        block[at] |= (byte) (k % 8 < 4 ? q : q << 4);
      } else {
        block[(k / unit * columns + column) * unit + k % unit] = (byte) q;
      }
    }

    /** Puts the scale of a column into its place. */
    public void putScale(byte[] block, int column, float scale) {
      put(block, dataBytes(), column, scale);
    }

    /** Puts the shift of a column into its place. */
    public void putShift(byte[] block, int column, float shift) {
      put(block, dataBytes() + columns * scaleBytes, column, shift);
    }

    private void put(byte[] block, int at, int column, float value) {
      if (scaleBytes == Short.BYTES) {
        HALF.set(block, at + column * 2, Float.floatToFloat16(value));
      } else {
        // a denormal factor would slow every multiplication; what it scales is nothing
        float normal = Math.abs(value) < Float.MIN_NORMAL ? 0 : value;
        SINGLE.set(block, at + column * 4, normal);
      }
    }
  }

  /** What kind of integers a product wants. */
  public record Wanted(int columns, int byteUnit, boolean unsignedBytes) {}

  /** Whether a matrix can be packed so: whole blocks that share a scale. */
  public static boolean fits(Tensor weight) {
    return weight.cols() % Input.BLOCK == 0
        && switch (weight.dtype()) {
          case Affine affine -> affine.groupColumns(weight.cols()) % Input.BLOCK == 0;
          case Block block -> block.group() % Input.BLOCK == 0;
          case Plain _ -> false;
        };
  }

  /** Packs a matrix that {@link #fits}. */
  public static BlockPanels pack(Tensor weight, Wanted wanted, Arena arena, ComputePool pool) {
    BlockPanels packed = room(weight, wanted, arena);
    Source source = Source.of(weight);
    int offset = offset(source, wanted);
    pool.run(packed.panels(), p -> packed.fill(source, offset, p));
    return packed;
  }

  /** Panels for a matrix that {@link #fits}, all zero. */
  public static BlockPanels room(Tensor weight, Wanted wanted, Arena arena) {
    Source source = Source.of(weight);
    int offset = offset(source, wanted);
    Form form =
        new Form(
            wanted.columns(),
            source.bits(),
            source.bits() == 4 ? 4 : wanted.byteUnit(),
            source.shifted() ? 0 : source.middle() + offset,
            source.shifted(),
            source.halves() && !(source.shifted() && offset != 0) ? Short.BYTES : Float.BYTES);
    int rows = (int) weight.rows();
    int cols = (int) weight.cols();
    long panels = (rows + form.columns() - 1L) / form.columns();
    long bytes = panels * (cols / Input.BLOCK) * form.bytes();
    return new BlockPanels(rows, cols, form, arena.allocate(bytes, Tensor.ALIGNMENT));
  }

  private static int offset(Source source, Wanted wanted) {
    return source.bits() == 8 && wanted.unsignedBytes() ? 128 : 0;
  }

  private void fill(Source source, int offset, int panel) {
    int first = panel * form.columns();
    IntegerRow[] columns = new IntegerRow[Math.min(form.columns(), rows - first)];
    for (int j = 0; j < columns.length; j++) {
      columns[j] = source.room();
      source.read(first + j, columns[j]);
    }
    byte[] block = new byte[form.bytes()];
    for (int b = 0; b < blocks(); b++) {
      Arrays.fill(block, (byte) 0);
      for (int j = 0; j < columns.length; j++) {
        fill(block, b, j, columns[j], source.middle() + offset);
      }
      long at = at(panel) + (long) b * form.bytes();
      MemorySegment.copy(block, 0, data, JAVA_BYTE, at, block.length);
    }
  }

  private void fill(byte[] block, int b, int column, IntegerRow row, int middle) {
    byte[] integers = row.integers();
    for (int k = 0; k < Input.BLOCK; k++) {
      form.put(block, k, column, integers[b * Input.BLOCK + k] + middle);
    }
    int group = b * Input.BLOCK / row.group();
    float scale = row.scales()[group];
    form.putScale(block, column, scale);
    if (form.shifted()) {
      form.putShift(block, column, row.shifts()[group] - scale * middle);
    }
  }

  @Override
  public int columns() {
    return form.columns();
  }

  /** Blocks of a row. */
  public int blocks() {
    return cols / Input.BLOCK;
  }

  /** Where a panel begins, in bytes. */
  public long at(int panel) {
    return (long) panel * blocks() * form.bytes();
  }

  @Override
  public long packedBytes() {
    return data.byteSize();
  }

  @Override
  public Arithmetic arithmetic() {
    return Arithmetic.INT8;
  }

  /**
   * A matrix, row by row as integers {@code q - middle} with their scales and shifts.
   *
   * @param bits that q takes: 4 or 8
   */
  private record Source(Tensor weight, int bits, int middle, boolean shifted) {
    static Source of(Tensor weight) {
      return switch (weight.dtype()) {
        case Affine type -> {
          boolean nibbles = type.bits() <= 4;
          int middle = nibbles && type.symmetric() ? 8 : 0; // 3 bits and 2 are moved there
          yield new Source(weight, nibbles ? 4 : 8, middle, !type.symmetric());
        }
        case Block type -> {
          boolean nibbles = type.bits() <= 4;
          yield new Source(weight, nibbles ? 4 : 8, nibbles ? type.middle() : 0, type.shifted());
        }
        case Plain plain -> throw new IllegalArgumentException(plain + " holds no integers");
      };
    }

    private int group() {
      return switch (weight.dtype()) {
        case Affine type -> type.groupColumns(weight.cols());
        case Block type -> type.group();
        case Plain plain -> throw new IllegalStateException(plain.label());
      };
    }

    IntegerRow room() {
      int cols = (int) weight.cols();
      int groups = (cols + group() - 1) / group();
      return new IntegerRow(
          group(), new byte[cols], new float[groups], shifted ? new float[groups] : null);
    }

    void read(int n, IntegerRow row) {
      Layouts.integers(weight, n, row);
    }

    /** Whether F16 holds every scale and shift. */
    boolean halves() {
      return switch (weight.dtype()) {
        case Block type ->
            switch (type) {
              case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL -> true;
              case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> false; // products of two factors
            };
        case Affine _ -> !shifted && weight.scales().dtype() == Plain.F16;
        case Plain plain -> throw new IllegalStateException(plain.label());
      };
    }
  }
}
