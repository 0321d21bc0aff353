package dev.hone.model.format.compressed;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Integers as compressed-tensors packs them into little-endian 32-bit words, and as {@link Affine}
 * holds them.
 *
 * <pre>
 *   in the file   4 bits   | q1 q0 | q3 q2 | ...   a row of columns, unsigned      Affine: the same
 *                 8 bits   | q0    | q1    | ...   unsigned, 128 is zero           Affine: signed
 *   zero points            packed in the same way, but down the rows of a column   Affine: a byte each
 * </pre>
 */
final class PackedIntegers {
  private PackedIntegers() {}

  /** 32-bit words that {@code count} integers take. */
  static long words(long count, int bits) {
    return (count * bits + 31) / 32;
  }

  /** 8-bit columns: unsigned in words to signed without padding. */
  static MemorySegment unpackBytes(Tensor packed, long rows, long cols, Arena arena) {
    MemorySegment bytes = arena.allocate(rows * cols, Tensor.ALIGNMENT);
    for (long row = 0; row < rows; row++) {
      flipSigns(packed.row(row), bytes.asSlice(row * cols, cols));
    }
    return bytes;
  }

  /** 8-bit columns: signed to unsigned in words. */
  static Tensor packBytes(MemorySegment bytes, long rows, long cols, Arena arena) {
    Tensor packed = Tensor.allocate(arena, Plain.I32, rows, words(cols, 8));
    for (long row = 0; row < rows; row++) {
      flipSigns(bytes.asSlice(row * cols, cols), packed.row(row));
    }
    return packed;
  }

  private static void flipSigns(MemorySegment from, MemorySegment to) {
    long count = Math.min(from.byteSize(), to.byteSize());
    for (long i = 0; i < count; i++) {
      to.set(JAVA_BYTE, i, (byte) (from.get(JAVA_BYTE, i) ^ 0x80));
    }
  }

  /** Columns of a signed byte each, -8..7, to two in a byte, 0..15; null where one is outside. */
  static MemorySegment packNibbles(MemorySegment bytes, long rows, long cols, Arena arena) {
    long rowBytes = new Affine(4, 0, true).rowBytes(cols);
    MemorySegment nibbles = arena.allocate(rows * rowBytes, Tensor.ALIGNMENT);
    for (long row = 0; row < rows; row++) {
      for (long col = 0; col < cols; col++) {
        int q = bytes.get(JAVA_BYTE, row * cols + col) + 8;
        if (q < 0 || q > 15) {
          return null;
        }
        long at = row * rowBytes + col / 2;
        nibbles.set(JAVA_BYTE, at, (byte) (nibbles.get(JAVA_BYTE, at) | q << col % 2 * 4));
      }
    }
    return nibbles;
  }

  /** Two columns in a byte, 0..15, to a signed byte each, -8..7. */
  static Tensor unpackNibbles(MemorySegment nibbles, long rows, long cols, Arena arena) {
    long rowBytes = new Affine(4, 0, true).rowBytes(cols);
    Tensor bytes = Tensor.allocate(arena, Plain.I8, rows, cols);
    for (long row = 0; row < rows; row++) {
      for (long col = 0; col < cols; col++) {
        int pair = nibbles.get(JAVA_BYTE, row * rowBytes + col / 2);
        bytes.data().set(JAVA_BYTE, row * cols + col, (byte) ((pair >>> col % 2 * 4 & 15) - 8));
      }
    }
    return bytes;
  }

  /** Zero points packed down the rows, as unsigned integers: I8 [row, group]. */
  static Tensor unpackZeros(Tensor packed, long rows, int bits, Arena arena) {
    long groups = packed.cols();
    Tensor zeros = Tensor.allocate(arena, Plain.I8, rows, groups);
    for (long row = 0; row < rows; row++) {
      for (long group = 0; group < groups; group++) {
        int pair = packed.data().get(JAVA_BYTE, byteOf(row, group, groups, bits));
        int zero = pair >>> row * bits % 8 & (1 << bits) - 1;
        zeros.data().set(JAVA_BYTE, row * groups + group, (byte) (bits == 8 ? zero - 128 : zero));
      }
    }
    return zeros;
  }

  /** The inverse of {@link #unpackZeros}. */
  static Tensor packZeros(Tensor zeros, int bits, Arena arena) {
    long groups = zeros.cols();
    Tensor packed = Tensor.allocate(arena, Plain.I32, words(zeros.rows(), bits), groups);
    for (long row = 0; row < zeros.rows(); row++) {
      for (long group = 0; group < groups; group++) {
        int zero = zeros.data().get(JAVA_BYTE, row * groups + group) + (bits == 8 ? 128 : 0);
        long at = byteOf(row, group, groups, bits);
        int others = packed.data().get(JAVA_BYTE, at);
        packed.data().set(JAVA_BYTE, at, (byte) (others | zero << row * bits % 8));
      }
    }
    return packed;
  }

  /** The same bytes with a number added to each. */
  static Tensor shift(Tensor bytes, int by, Arena arena) {
    Tensor shifted = Tensor.allocate(arena, Plain.I8, bytes.shape());
    for (long i = 0; i < bytes.size(); i++) {
      shifted.data().set(JAVA_BYTE, i, (byte) (bytes.data().get(JAVA_BYTE, i) + by));
    }
    return shifted;
  }

  /**
   * Where in {@code I32 [word, group]} the bits of a row's zero point lie: 4 and 8 divide a byte.
   */
  private static long byteOf(long row, long group, long groups, int bits) {
    long bit = row * bits;
    return (bit / 32 * groups + group) * 4 + bit % 32 / 8;
  }
}
