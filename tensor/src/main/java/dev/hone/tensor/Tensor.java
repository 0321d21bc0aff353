package dev.hone.tensor;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/**
 * Numbers outside the heap: a type, a shape and the memory they lie in, row-major. A tensor does
 * not own its memory: whoever made its arena closes it.
 *
 * <p>Kernels see a tensor as a matrix: {@link #cols} is the last dimension, {@link #rows} the
 * product of the others.
 */
public final class Tensor {
  /** Little-endian floats at any alignment, as files hold them. */
  public static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(java.nio.ByteOrder.LITTLE_ENDIAN);

  /** Cache line, and the widest vector. */
  public static final long ALIGNMENT = 64;

  private final DType dtype;
  private final long[] shape;
  private final long rows;
  private final MemorySegment data;
  private final Tensor scales;
  private final Tensor zeros;
  private final int[] columnOrder;

  private Tensor(DType dtype, long[] shape, MemorySegment data, Tensor scales, Tensor zeros) {
    this(dtype, shape, data, scales, zeros, null);
  }

  private Tensor(
      DType dtype,
      long[] shape,
      MemorySegment data,
      Tensor scales,
      Tensor zeros,
      int[] columnOrder) {
    this.dtype = Objects.requireNonNull(dtype, "dtype");
    this.shape = shape;
    this.data = Objects.requireNonNull(data, "data");
    this.scales = scales;
    this.zeros = zeros;
    this.columnOrder = columnOrder;
    long product = 1;
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 0) {
        throw new IllegalArgumentException("negative dimension: shape=" + Arrays.toString(shape));
      }
      if (i < shape.length - 1) {
        product = Math.multiplyExact(product, shape[i]);
      }
    }
    this.rows = product;
    long bytes = Math.multiplyExact(rows, dtype.rowBytes(cols()));
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          dtype.label()
              + Arrays.toString(shape)
              + " takes "
              + bytes
              + " bytes, not "
              + data.byteSize());
    }
  }

  /** A tensor over memory that is there already, such as a mapped file. */
  public static Tensor of(DType dtype, MemorySegment data, long... shape) {
    if (dtype instanceof Affine) {
      throw new IllegalArgumentException(dtype.label() + " needs scales");
    }
    return new Tensor(dtype, shape.clone(), data, null, null);
  }

  /**
   * Integers with their scales.
   *
   * @param scales plain floats [row, group]
   * @param zeros I8 [row, group]; null when symmetric
   */
  public static Tensor affine(
      Affine dtype, MemorySegment data, long rows, long cols, Tensor scales, Tensor zeros) {
    long groups = dtype.groups(cols);
    if (scales.rows() != rows || scales.cols() != groups) {
      throw new IllegalArgumentException(
          "scales of "
              + dtype.label()
              + " ["
              + rows
              + ", "
              + cols
              + "] must be ["
              + rows
              + ", "
              + groups
              + "], not "
              + scales.shapeText());
    }
    if ((zeros == null) != dtype.symmetric()) {
      throw new IllegalArgumentException(
          dtype.label() + ": zero points belong to asymmetric types, and only there");
    }
    if (zeros != null
        && (zeros.rows() != rows || zeros.cols() != groups || zeros.dtype() != Plain.I8)) {
      throw new IllegalArgumentException(
          "zeros must be i8 ["
              + rows
              + ", "
              + groups
              + "], not "
              + zeros.dtype().label()
              + " "
              + zeros.shapeText());
    }
    return new Tensor(dtype, new long[] {rows, cols}, data, scales, zeros);
  }

  /**
   * The same integers, whose columns stand in another order than they count: those that share a
   * scale were brought together, as GPTQ's {@code desc_act} needs it. Decoding puts them back;
   * products take the tensor {@link #inStoredOrder} and an input in that order.
   *
   * @param order the column that stands at each place: a permutation
   */
  public Tensor inColumnOrder(int[] order) {
    if (!(dtype instanceof Affine) || order.length != cols()) {
      throw new IllegalArgumentException(
          this + ": an order of " + order.length + " columns is for affine types of as many");
    }
    boolean[] seen = new boolean[order.length];
    for (int column : order) {
      if (column < 0 || column >= order.length || seen[column]) {
        throw new IllegalArgumentException("no permutation: column " + column);
      }
      seen[column] = true;
    }
    return new Tensor(dtype, shape, data, scales, zeros, order.clone());
  }

  /** The same integers, each column counted by its place. */
  public Tensor inStoredOrder() {
    return columnOrder == null ? this : new Tensor(dtype, shape, data, scales, zeros);
  }

  /** The column that stands at each place, not to be changed; null where they stand as counted. */
  public int[] columnOrder() {
    return columnOrder;
  }

  /** New memory, filled with zeros. */
  public static Tensor allocate(Arena arena, DType dtype, long... shape) {
    long rows = 1;
    for (int i = 0; i < shape.length - 1; i++) {
      rows = Math.multiplyExact(rows, shape[i]);
    }
    long cols = shape.length == 0 ? 1 : shape[shape.length - 1];
    return of(
        dtype, arena.allocate(Math.multiplyExact(rows, dtype.rowBytes(cols)), ALIGNMENT), shape);
  }

  /** F32 numbers copied from the heap. */
  public static Tensor copyOf(Arena arena, float[] values, long... shape) {
    Tensor tensor = allocate(arena, Plain.F32, shape);
    MemorySegment.copy(values, 0, tensor.data, FLOAT, 0, values.length);
    return tensor;
  }

  public DType dtype() {
    return dtype;
  }

  /** The memory of the numbers, without scales. */
  public MemorySegment data() {
    return data;
  }

  /** Scales of an {@link Affine} type, plain floats [row, group]; null otherwise. */
  public Tensor scales() {
    return scales;
  }

  /** Zero points of an asymmetric {@link Affine} type, I8 [row, group]; null otherwise. */
  public Tensor zeros() {
    return zeros;
  }

  /** Number of dimensions. */
  public int rank() {
    return shape.length;
  }

  public long dim(int axis) {
    return shape[axis];
  }

  public long[] shape() {
    return shape.clone();
  }

  /** Product of all dimensions but the last. */
  public long rows() {
    return rows;
  }

  /** The last dimension; 1 for a scalar. */
  public long cols() {
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  public long size() {
    return rows * cols();
  }

  /** Bytes of everything the tensor holds, scales and zero points too. */
  public long sizeBytes() {
    return data.byteSize()
        + (scales == null ? 0 : scales.sizeBytes())
        + (zeros == null ? 0 : zeros.sizeBytes());
  }

  /** The bytes of one row. */
  public MemorySegment row(long row) {
    long bytes = dtype.rowBytes(cols());
    return data.asSlice(row * bytes, bytes);
  }

  /** Rows {@code from} to {@code to}, sharing memory. */
  public Tensor slice(long from, long to) {
    if (scales != null) {
      throw new IllegalArgumentException(
          "a slice of " + dtype.label() + " would need its scales cut too");
    }
    long bytes = dtype.rowBytes(cols());
    return of(dtype, data.asSlice(from * bytes, (to - from) * bytes), to - from, cols());
  }

  /** The same numbers in another shape. */
  public Tensor reshape(long... other) {
    if (columnOrder != null && (other.length == 0 || other[other.length - 1] != cols())) {
      throw new IllegalArgumentException("columns in another order keep their number: " + this);
    }
    return new Tensor(dtype, other.clone(), data, scales, zeros, columnOrder);
  }

  /** A copy of a matrix of plain numbers with rows and columns exchanged. */
  public Tensor transposed(Arena arena) {
    if (!(dtype instanceof Plain plain) || rank() != 2) {
      throw new IllegalArgumentException("only plain matrices can be transposed, not " + this);
    }
    Tensor copy = allocate(arena, dtype, cols(), rows);
    int bytes = plain.bytes();
    for (long row = 0; row < rows; row++) {
      for (long col = 0; col < cols(); col++) {
        MemorySegment.copy(
            data, (row * cols() + col) * bytes, copy.data, (col * rows + row) * bytes, bytes);
      }
    }
    return copy;
  }

  /** An F32 number by row and column. */
  public float get(long row, long col) {
    requireF32();
    return data.get(FLOAT, (row * cols() + col) * 4);
  }

  /** The F32 numbers, copied to the heap. */
  public float[] toArray() {
    requireF32();
    return data.toArray(FLOAT);
  }

  /** {@code [rows, cols]} as errors print it. */
  public String shapeText() {
    return Arrays.toString(shape);
  }

  private void requireF32() {
    if (dtype != Plain.F32) {
      throw new IllegalStateException("f32 wanted, the tensor is " + this);
    }
  }

  @Override
  public String toString() {
    return dtype.label() + Arrays.toString(shape);
  }
}
