package dev.hone.tensor.layout;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * GGUF's Q8_0: blocks of 32 columns, {@code w = scale * q}.
 *
 * <pre>
 *   0        2                                     34
 *   | scale  | q0 | q1 | ...                 | q31 |
 *   '- F16   '- signed bytes
 * </pre>
 *
 * The scale is the largest magnitude over 127; halves round away from zero, as in llama.cpp's
 * {@code quantize_row_q8_0_ref}.
 */
record Q8_0Layout() implements BlockLayout {
  private static final int COLUMNS = Block.Q8_0.columns();

  @Override
  public Block type() {
    return Block.Q8_0;
  }

  @Override
  public void read(byte[] in, int at, IntegerRow to, int column) {
    to.scales()[column / COLUMNS] = Blocks.half(in, at);
    System.arraycopy(in, at + 2, to.integers(), column, COLUMNS);
  }

  @Override
  public void encode(float[] in, Tensor tensor, long row) {
    long at = row * Block.Q8_0.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      float scale = Math.abs(Blocks.extreme(in, first, COLUMNS, row)) / 127;
      float inverse = scale == 0 ? 0 : 1 / scale;
      Blocks.half(tensor.data(), at, scale);
      for (int i = 0; i < COLUMNS; i++) {
        float q = in[first + i] * inverse;
        tensor.data().set(JAVA_BYTE, at + 2 + i, (byte) Blocks.roundAwayFromZero(q));
      }
      at += Block.Q8_0.bytes();
    }
  }

  @Override
  public void write(IntegerRow from, Tensor tensor, long row) {
    long at = row * Block.Q8_0.rowBytes(tensor.cols());
    for (int first = 0; first < tensor.cols(); first += COLUMNS) {
      Blocks.half(tensor.data(), at, from.scales()[first / COLUMNS]);
      MemorySegment.copy(from.integers(), first, tensor.data(), JAVA_BYTE, at + 2, COLUMNS);
      at += Block.Q8_0.bytes();
    }
  }
}
