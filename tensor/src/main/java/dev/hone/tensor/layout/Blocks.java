package dev.hone.tensor.layout;

import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** The arithmetic that GGUF's blocks share. */
final class Blocks {
  /** The least number above zero that F16 has. */
  static final float LEAST_F16 = 0x1p-24f;

  private Blocks() {}

  /** The F16 number in two bytes. */
  static float half(byte[] in, int at) {
    return Float.float16ToFloat((short) (in[at] & 255 | in[at + 1] << 8));
  }

  /** The F16 number that is nearest. */
  static float nearestHalf(float value) {
    return Float.float16ToFloat(PlainLayout.half(value));
  }

  /** Stores an F16 number in two bytes. */
  static void half(byte[] out, int at, float value) {
    short half = PlainLayout.half(value);
    out[at] = (byte) half;
    out[at + 1] = (byte) (half >> 8);
  }

  /** Bits {@code shift .. shift + bits} of a byte. */
  static int bits(byte[] in, int at, int shift, int bits) {
    return in[at] >>> shift & (1 << bits) - 1;
  }

  /** The integer, after a check that it has a place. */
  static int within(int q, int least, int most) {
    if (q < least || q > most) {
      throw new IllegalArgumentException("integer " + q + ": not " + least + ".." + most);
    }
    return q;
  }

  /** The first number of largest magnitude, with its sign. */
  static float extreme(float[] in, int from, int count, long row) {
    float extreme = 0;
    for (int i = from; i < from + count; i++) {
      requireFinite(in, i, row);
      if (Math.abs(in[i]) > Math.abs(extreme)) {
        extreme = in[i];
      }
    }
    return extreme;
  }

  /** Least and largest number. */
  static float[] range(float[] in, int from, int count, long row) {
    float least = in[from];
    float largest = in[from];
    for (int i = from; i < from + count; i++) {
      requireFinite(in, i, row);
      least = in[i] < least ? in[i] : least; // not Math.min: -0 is not less than 0
      largest = in[i] > largest ? in[i] : largest;
    }
    if (Float.isInfinite(largest - least)) {
      throw new ArithmeticException(
          "row " + row + " spans " + least + " to " + largest + ": too wide to quantize");
    }
    return new float[] {least, largest};
  }

  private static void requireFinite(float[] in, int i, long row) {
    if (!Float.isFinite(in[i])) {
      throw new ArithmeticException(
          in[i] + " at row " + row + ", column " + i + " cannot be quantized");
    }
  }

  /** C's {@code roundf}. */
  static int roundAwayFromZero(float value) {
    int whole = (int) value;
    float rest = value - whole;
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
  }

  /** Stores 32 fifth bits, column by column from the lowest. */
  static void fifthBits(Tensor tensor, long at, int bits) {
    tensor.data().set(PlainLayout.INT, at, bits);
  }

  /** Stores an F16 number at any byte. */
  static void half(MemorySegment data, long at, float value) {
    data.set(PlainLayout.SHORT, at, PlainLayout.half(value));
  }
}
