package dev.hone.tensor.layout;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One little-endian number after the other.
 *
 * <pre>
 *   F32   s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm     4 bytes
 *   BF16  s eeeeeeee mmmmmmm                     2 bytes: the upper half of an F32
 *   F16   s eeeee mmmmmmmmmm                     2 bytes
 * </pre>
 *
 * Rounding is to nearest, ties to even. Integer types can be read, not written.
 */
public record PlainLayout(Plain type) implements Layout {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The float whose upper half a BF16 is. */
  public static float bf16ToFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The nearest BF16, ties to even. */
  public static short floatToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40); // stays a NaN although the lower half is cut
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  @Override
  public void decode(Tensor tensor, long row, float[] out) {
    int cols = (int) tensor.cols();
    MemorySegment data = tensor.row(row);
    switch (type) { // a loop for each type that models run in: embeddings are read like this
      case F32 -> MemorySegment.copy(data, Tensor.FLOAT, 0, out, 0, cols);
      case F16 -> {
        for (int i = 0; i < cols; i++) {
          out[i] = Float.float16ToFloat(data.get(SHORT, i * 2L));
        }
      }
      case BF16 -> {
        for (int i = 0; i < cols; i++) {
          out[i] = bf16ToFloat(data.get(SHORT, i * 2L));
        }
      }
      case F64, I64, I32, I16, I8, U8, BOOL -> {
        for (int i = 0; i < cols; i++) {
          out[i] = get(data, i);
        }
      }
    }
  }

  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    long first = row * tensor.cols();
    for (int i = 0; i < tensor.cols(); i++) {
      set(tensor.data(), first + i, in[i]);
    }
  }

  /** Number {@code index} of an array of this type. */
  float get(MemorySegment data, long index) {
    return switch (type) {
      case F64 -> (float) data.get(DOUBLE, index * 8);
      case F32 -> data.get(Tensor.FLOAT, index * 4);
      case F16 -> Float.float16ToFloat(data.get(SHORT, index * 2));
      case BF16 -> bf16ToFloat(data.get(SHORT, index * 2));
      case I64 -> data.get(LONG, index * 8);
      case I32 -> data.get(INT, index * 4);
      case I16 -> data.get(SHORT, index * 2);
      case I8 -> data.get(ValueLayout.JAVA_BYTE, index);
      case U8, BOOL -> Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, index));
    };
  }

  void set(MemorySegment data, long index, float value) {
    switch (type) {
      case F64 -> data.set(DOUBLE, index * 8, value);
      case F32 -> data.set(Tensor.FLOAT, index * 4, value);
      case F16, BF16 -> data.set(SHORT, index * 2, nearest(value));
      case I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalArgumentException(
              "floats are not cast to " + type.label() + ": quantize to int8 with scales instead");
    }
  }

  /** The nearest F16. */
  static short half(float value) {
    return new PlainLayout(Plain.F16).nearest(value);
  }

  private short nearest(float value) {
    short half = type == Plain.F16 ? Float.floatToFloat16(value) : floatToBf16(value);
    float back = type == Plain.F16 ? Float.float16ToFloat(half) : bf16ToFloat(half);
    if (Float.isInfinite(back) && !Float.isInfinite(value)) {
      throw new ArithmeticException(
          value + " is past the largest " + type.label() + "; use f32 or bf16 for this tensor");
    }
    return half;
  }

  /** The nearest number that this type has. */
  float round(float value) {
    return switch (type) {
      case F32, F64 -> value;
      case F16 -> Float.float16ToFloat(nearest(value));
      case BF16 -> bf16ToFloat(nearest(value));
      case I64, I32, I16, I8, U8, BOOL ->
          throw new IllegalArgumentException(
              "scales must be f32, f16 or bf16, not " + type.label());
    };
  }
}
