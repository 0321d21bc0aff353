package dev.hone.model.format.compressed;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Integers as compressed-tensors packs them into little-endian 32-bit words, and as {@link Affine}
 * holds them.
 *
 * <pre>
 *   in the file   2 to 7 bits   as many whole ones as fit a word, unsigned    Affine: the same
 *                 8 bits        unsigned, 128 is zero                         Affine: signed
 *   zero points   packed in the same way, but down the rows of a column       Affine: a byte each
 * </pre>
 */
final class PackedIntegers {
  private static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private PackedIntegers() {}

  /** 32-bit words that {@code count} integers take. */
  static long words(long count, int bits) {
    int perWord = Integer.SIZE / bits;
    return (count + perWord - 1) / perWord;
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

  /** Columns of a signed byte each to words; null where one has not so few bits. */
  static MemorySegment pack(MemorySegment bytes, long rows, long cols, int bits, Arena arena) {
    Tensor packed = Tensor.allocate(arena, Plain.I32, rows, words(cols, bits));
    int half = 1 << bits - 1;
    for (long row = 0; row < rows; row++) {
      MemorySegment to = packed.row(row);
      for (long col = 0; col < cols; col++) {
        int q = bytes.get(JAVA_BYTE, row * cols + col);
        if (q < -half || q >= half) {
          return null;
        }
        put(to, 1, 0, col, bits, q + half);
      }
    }
    return packed.data();
  }

  /** Words to a signed byte each: the inverse of {@link #pack}. */
  static Tensor unpack(MemorySegment words, long rows, long cols, int bits, Arena arena) {
    long rowBytes = words(cols, bits) * Integer.BYTES;
    Tensor bytes = Tensor.allocate(arena, Plain.I8, rows, cols);
    int half = 1 << bits - 1;
    for (long row = 0; row < rows; row++) {
      MemorySegment from = words.asSlice(row * rowBytes, rowBytes);
      for (long col = 0; col < cols; col++) {
        bytes.data().set(JAVA_BYTE, row * cols + col, (byte) (get(from, 1, 0, col, bits) - half));
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
        int zero = get(packed.data(), groups, group, row, bits) - (bits == 8 ? 128 : 0);
        zeros.data().set(JAVA_BYTE, row * groups + group, (byte) zero);
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
        put(packed.data(), groups, group, row, bits, zero);
      }
    }
    return packed;
  }

  /** The integer of a place of a column of words, which are {@code apart} words from each other. */
  private static int get(MemorySegment words, long apart, long column, long place, int bits) {
    int perWord = Integer.SIZE / bits;
    int word = words.get(WORD, (place / perWord * apart + column) * Integer.BYTES);
    return word >>> (int) (place % perWord) * bits & (1 << bits) - 1;
  }

  /** Puts an integer, 0 until then, into its place. */
  private static void put(
      MemorySegment words, long apart, long column, long place, int bits, int q) {
    int perWord = Integer.SIZE / bits;
    long at = (place / perWord * apart + column) * Integer.BYTES;
    words.set(WORD, at, words.get(WORD, at) | q << (int) (place % perWord) * bits);
  }

  /** The same bytes with a number added to each. */
  static Tensor shift(Tensor bytes, int by, Arena arena) {
    Tensor shifted = Tensor.allocate(arena, Plain.I8, bytes.shape());
    for (long i = 0; i < bytes.size(); i++) {
      shifted.data().set(JAVA_BYTE, i, (byte) (bytes.data().get(JAVA_BYTE, i) + by));
    }
    return shifted;
  }
}
