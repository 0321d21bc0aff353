package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** The bytes of one block type; names and bytes are those of llama.cpp's {@code ggml-common.h}. */
interface BlockLayout extends Layout {

  /** The type whose bytes these are. */
  Block type();

  /**
   * Takes one block apart.
   *
   * @param in holds the block from byte {@code at}
   * @param to is given the block's columns and groups, the first of them number {@code column}
   */
  void read(byte[] in, int at, IntegerRow to, int column);

  /** Takes a row apart. */
  default void read(Tensor tensor, long row, IntegerRow to) {
    int bytes = Math.toIntExact(type().rowBytes(tensor.cols()));
    byte[] in = new byte[bytes];
    MemorySegment.copy(tensor.data(), JAVA_BYTE, row * bytes, in, 0, bytes);
    for (int at = 0, column = 0; at < bytes; at += type().bytes(), column += type().columns()) {
      read(in, at, to, column);
    }
  }

  @Override
  default void decode(Tensor tensor, long row, float[] out) {
    IntegerRow integers = IntegerRow.of(type(), Math.toIntExact(tensor.cols()));
    read(tensor, row, integers);
    integers.widen(out);
  }

  /**
   * Rounds the scales and shifts of one block's groups to the nearest that it can hold: written and
   * read they are the same.
   */
  default void settle(float[] scales, float[] shifts) {
    for (int g = 0; g < scales.length; g++) {
      scales[g] = Blocks.nearestHalf(scales[g]);
      if (shifts != null) {
        shifts[g] = Blocks.nearestHalf(shifts[g]);
      }
    }
  }

  /** Writes integers that were chosen elsewhere; scales and shifts are {@linkplain #settle}d. */
  void write(IntegerRow from, Tensor tensor, long row);

  /** Two integers of four bits in a byte, the first in the low one. */
  static byte pair(int low, int high, int most) {
    if (low < 0 || low > most || high < 0 || high > most) {
      throw new IllegalArgumentException("integers " + low + ", " + high + ": not 0.." + most);
    }
    return (byte) (high << 4 | low);
  }
}
