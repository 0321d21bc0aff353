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

  /** Writes integers that were chosen elsewhere; scales and shifts are rounded to F16. */
  default void write(IntegerRow from, Tensor tensor, long row) {
    throw new IllegalArgumentException(
        type().label() + " is read, not written yet; quantize to q8_0, iq4_nl, q4_1 or q4_0");
  }

  /** Two integers of four bits in a byte, the first in the low one. */
  static byte pair(int low, int high, int most) {
    if (low < 0 || low > most || high < 0 || high > most) {
      throw new IllegalArgumentException("integers " + low + ", " + high + ": not 0.." + most);
    }
    return (byte) (high << 4 | low);
  }

  @Override
  default void encode(float[] in, Tensor tensor, long row) {
    throw new IllegalArgumentException(
        type().label() + " is read, not written yet; quantize to q8_0, q5_1, q5_0, q4_1 or q4_0");
  }
}
