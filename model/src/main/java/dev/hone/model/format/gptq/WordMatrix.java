package dev.hone.model.format.gptq;

import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Unsigned integers in 32-bit words.
 *
 * <pre>
 *   down     I32 [words of a column, col]    the bits of a column's integers one after the other,
 *                                            low bits first, across words (3 bits)
 *   across   I32 [row, words of a row]       the same along a row
 *   AWQ      I32 [row, col / 8]              4 bits; from the low bits up: columns 0 2 4 6 1 3 5 7
 * </pre>
 *
 * @param words as the file has them
 */
record WordMatrix(Order order, int bits, Tensor words) {
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Place in its word, from the low bits, of each of eight columns. */
  private static final int[] AWQ_PLACES = {0, 4, 1, 5, 2, 6, 3, 7};

  /** Where the next integer is. */
  enum Order {
    DOWN,
    ACROSS,
    AWQ
  }

  int get(long row, long col) {
    return switch (order) {
      case DOWN -> bits(row * bits, col, words.cols());
      case ACROSS -> bits(col * bits, row * words.cols(), 1);
      case AWQ -> word(row * words.cols() + col / 8) >>> 4 * AWQ_PLACES[(int) (col % 8)] & 15;
    };
  }

  /**
   * @param bit of the stream
   * @param first word of the stream
   * @param step from one of its words to the next
   */
  private int bits(long bit, long first, long step) {
    long at = first + bit / 32 * step;
    int shift = (int) (bit % 32);
    int low = word(at) >>> shift;
    int value = shift + bits > 32 ? low | word(at + step) << 32 - shift : low;
    return value & (1 << bits) - 1;
  }

  private int word(long index) {
    MemorySegment data = words.data();
    return data.get(INT, index * Integer.BYTES);
  }
}
