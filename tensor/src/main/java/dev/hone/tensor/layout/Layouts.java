package dev.hone.tensor.layout;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;

/**
 * Every weight format as floats, and floats as every weight format.
 *
 * <p>Encoding rounds each number to the nearest the format has; nothing is calibrated here. A
 * number that a format cannot hold at all (a huge one in F16, an infinite one in a quantized type)
 * is an error.
 */
public final class Layouts {
  private Layouts() {}

  /** Reads one row into the first {@code cols} places of {@code out}. */
  public static void decode(Tensor tensor, long row, float[] out) {
    layout(tensor.dtype()).decode(tensor, row, out);
  }

  /**
   * Writes one row, the first {@code cols} numbers of {@code in}; where a whole tensor shares a
   * scale, on the one that it has.
   */
  public static void encode(float[] in, Tensor tensor, long row) {
    layout(tensor.dtype()).encode(in, tensor, row);
  }

  /** Takes one row of a quantized tensor apart. */
  public static void integers(Tensor tensor, long row, IntegerRow out) {
    switch (tensor.dtype()) {
      case Block block -> layout(block).read(tensor, row, out);
      case Affine affine -> new AffineLayout(affine).read(tensor, row, out);
      case Plain plain -> throw noIntegers(plain);
    }
  }

  private static IllegalArgumentException noIntegers(Plain plain) {
    return new IllegalArgumentException(plain.label() + " has no integers with scales");
  }

  /** Integers of any width in the next of the two that other formats have: 4 bits, and 8. */
  public static Tensor widened(Tensor tensor, Arena arena) {
    return tensor.dtype() instanceof Affine type && type.bits() != 4 && type.bits() != 8
        ? new AffineLayout(type).widened(tensor, arena)
        : tensor;
  }

  /**
   * Puts one row together from integers that were chosen elsewhere: the inverse of {@link
   * #integers}. Scales and shifts are rounded to what the tensor stores them in; the shift of an
   * {@link Affine} type must be a whole number of scales.
   */
  public static void write(IntegerRow row, Tensor to, long index) {
    switch (to.dtype()) {
      case Block block -> layout(block).write(row, to, index);
      case Affine affine -> new AffineLayout(affine).write(row, to, index);
      case Plain plain -> throw noIntegers(plain);
    }
  }

  /**
   * Rounds the scales and shifts of one block's groups, in place, to the nearest that the block can
   * hold.
   *
   * @param shifts null where the type has none
   */
  public static void settle(Block type, float[] scales, float[] shifts) {
    layout(type).settle(scales, shifts);
  }

  /**
   * New memory for a matrix.
   *
   * @param scaleType as in {@link #encode(Tensor, DType, Plain, Arena)}
   */
  public static Tensor allocate(Arena arena, DType type, Plain scaleType, long rows, long cols) {
    return switch (type) {
      case Plain plain -> Tensor.allocate(arena, plain, rows, cols);
      case Block block -> Tensor.allocate(arena, block, rows, cols);
      case Affine affine -> AffineLayout.allocate(arena, affine, scaleType, rows, cols);
    };
  }

  /** The number of a plain float type that is nearest. */
  public static float round(float value, Plain type) {
    return new PlainLayout(type).round(value);
  }

  /** A matrix's numbers, [row, column]. */
  public static float[] floats(Tensor matrix) {
    int cols = Math.toIntExact(matrix.cols());
    float[] all = new float[Math.toIntExact(matrix.size())];
    float[] row = new float[cols];
    for (int r = 0; r < matrix.rows(); r++) {
      decode(matrix, r, row);
      System.arraycopy(row, 0, all, r * cols, cols);
    }
    return all;
  }

  /** The whole tensor in F32, in new memory. */
  public static Tensor decode(Tensor tensor, Arena arena) {
    return encode(tensor, Plain.F32, arena);
  }

  /**
   * The tensor's numbers in another type, in new memory; scales of an {@link Affine} type in F32.
   */
  public static Tensor encode(Tensor source, DType type, Arena arena) {
    return encode(source, type, Plain.F32, arena);
  }

  /**
   * The tensor's numbers in another type, in new memory.
   *
   * @param scaleType F32, F16 or BF16: what the scales of an {@link Affine} type are stored in;
   *     other types bring their own
   */
  public static Tensor encode(Tensor source, DType type, Plain scaleType, Arena arena) {
    Layout layout = layout(type);
    Tensor target =
        switch (type) {
          case Plain plain -> Tensor.allocate(arena, plain, source.shape());
          case Block block -> Tensor.allocate(arena, block, source.shape());
          case Affine affine -> AffineLayout.allocate(arena, affine, scaleType, source);
        };
    if (type instanceof Affine affine && affine.perTensor()) {
      new AffineLayout(affine).shareGrid(source, target);
    }
    Layout from = layout(source.dtype());
    float[] row = new float[Math.toIntExact(source.cols())];
    for (long r = 0; r < source.rows(); r++) {
      from.decode(source, r, row);
      layout.encode(row, target, r);
    }
    return target;
  }

  /**
   * The share of numbers that are zero, of a matrix's rows or of so many that lie evenly among
   * them.
   *
   * @param most rows that are looked at
   */
  public static double zeroShare(Tensor matrix, int most) {
    Layout layout = layout(matrix.dtype());
    float[] row = new float[Math.toIntExact(matrix.cols())];
    long rows = Math.min(matrix.rows(), most);
    long zeros = 0;
    for (long i = 0; i < rows; i++) {
      layout.decode(matrix, i * matrix.rows() / rows, row);
      for (float number : row) {
        zeros += number == 0 ? 1 : 0;
      }
    }
    return zeros / Math.max(1.0, (double) rows * row.length);
  }

  /** The integers that IQ4_NL chooses from, from the least. */
  public static byte[] iq4nlValues() {
    return IQ4_NLLayout.values();
  }

  private static Layout layout(DType type) {
    return switch (type) {
      case Plain plain -> new PlainLayout(plain);
      case Affine affine -> new AffineLayout(affine);
      case Block block -> layout(block);
    };
  }

  private static BlockLayout layout(Block type) {
    return switch (type) {
      case Q8_0 -> new Q8_0Layout();
      case Q4_0 -> new Q4_0Layout();
      case Q4_1 -> new Q4_1Layout();
      case Q5_0 -> new Q5_0Layout();
      case Q5_1 -> new Q5_1Layout();
      case Q2_K -> new Q2_KLayout();
      case Q3_K -> new Q3_KLayout();
      case Q4_K -> new Q4_KLayout();
      case Q5_K -> new Q5_KLayout();
      case Q6_K -> new Q6_KLayout();
      case IQ4_NL -> new IQ4_NLLayout();
    };
  }
}
