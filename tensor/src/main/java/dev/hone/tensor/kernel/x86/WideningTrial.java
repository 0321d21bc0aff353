package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.x86.Widener.Shift;
import dev.hone.tensor.kernel.x86.Widener.Source;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A small case whose answer is known, for the kernels of {@link Widening}, which are made when a
 * weight of their form comes: of whole numbers, their halves and quarters, whose sums are exact.
 */
final class WideningTrial implements AutoCloseable {
  private static final int DEPTH = 48;
  private static final int GROUP = 16;
  private static final int GROUPS = DEPTH / GROUP;
  private static final int MIDDLE = 3;

  private final Arena arena = Arena.ofConfined();
  private final Widening.Form form;
  private final int columns;
  private final MemorySegment data;
  private final MemorySegment scales;
  private final MemorySegment shifts;

  WideningTrial(Widening.Form form, int columns) {
    this.form = form;
    this.columns = columns;
    Source source = form.source();
    data = allocate((long) DEPTH / source.features() * columns * source.bytes());
    scales = allocate(4L * GROUPS * columns);
    shifts = allocate(4L * GROUPS * columns);
    for (int k = 0; k < DEPTH; k++) {
      for (int j = 0; j < columns; j++) {
        put(k, j);
      }
    }
    for (int i = 0; i < GROUPS * columns; i++) {
      scales.setAtIndex(Tensor.FLOAT, i, scale(i / columns * GROUP, i % columns));
      switch (form.shift()) {
        case ZEROS -> shifts.set(ValueLayout.JAVA_BYTE, i, (byte) zero(i % columns));
        case FLOATS -> shifts.setAtIndex(Tensor.FLOAT, i, shift(0, i % columns));
        case ONE, NONE -> shifts.setAtIndex(Tensor.FLOAT, 0, -MIDDLE);
      }
    }
  }

  private MemorySegment allocate(long bytes) {
    return arena.allocate(bytes, Tensor.ALIGNMENT);
  }

  private void put(int k, int j) {
    long at = (long) k * columns + j;
    int q = integer(k, j);
    switch (form.source()) {
      case F32 -> data.setAtIndex(Tensor.FLOAT, at, q);
      case F16 -> data.setAtIndex(ValueLayout.JAVA_SHORT, at, Float.floatToFloat16(q));
      case BF16 ->
          data.setAtIndex(ValueLayout.JAVA_SHORT, at, (short) (Float.floatToIntBits(q) >>> 16));
      case BYTES -> data.set(ValueLayout.JAVA_BYTE, at, (byte) q);
      case NIBBLES -> {
        long pair = (long) k / 2 * columns + j;
        byte other = data.get(ValueLayout.JAVA_BYTE, pair);
        data.set(ValueLayout.JAVA_BYTE, pair, (byte) (other | q << k % 2 * 4));
      }
    }
  }

  private int integer(int k, int j) {
    return (k * 3 + j) % 11 - (form.source() == Source.NIBBLES ? 0 : 5);
  }

  private static float scale(int k, int j) {
    return 0.5f * (1 + (k / GROUP + j) % 3);
  }

  private static int zero(int j) {
    return j % 5 - 2;
  }

  private float shift(int k, int j) {
    return switch (form.shift()) {
      case NONE -> 0;
      case ONE -> -MIDDLE * scale(k, j);
      case ZEROS -> -zero(j) * scale(k, j);
      case FLOATS -> 0.25f * (j % 3);
    };
  }

  private float weight(int k, int j) {
    return integer(k, j) * (form.source().scaled() ? scale(k, j) : 1) + shift(k, j);
  }

  private static int number(int row, int k) {
    return (k + 2 * row) % 5 - 2;
  }

  /**
   * The kernel.
   *
   * @throws IllegalStateException if it makes something else
   */
  WideningKernel tried(WideningKernel kernel) {
    MemorySegment out = allocate(4L * DEPTH * columns);
    Shift shift = form.shift();
    for (int g = 0; g < GROUPS; g++) {
      kernel.run(
          data.asSlice(data.byteSize() / GROUPS * g),
          out.asSlice(out.byteSize() / GROUPS * g),
          GROUP,
          scales.asSlice(4L * g * columns),
          shifts.asSlice((long) g * shift.stride(columns)));
    }
    for (int i = 0; i < DEPTH * columns; i++) {
      expect("widening", out.getAtIndex(Tensor.FLOAT, i), weight(i / columns, i % columns));
    }
    return kernel;
  }

  /**
   * The kernel.
   *
   * @throws IllegalStateException if it computes something else
   */
  FewRowsKernel tried(FewRowsKernel kernel, int rows) {
    MemorySegment a = allocate(4L * rows * DEPTH);
    for (int i = 0; i < rows * DEPTH; i++) {
      a.setAtIndex(Tensor.FLOAT, i, number(i / DEPTH, i % DEPTH));
    }
    MemorySegment c = allocate(FewRowsKernel.sumBytes(columns, rows));
    kernel.run(
        a,
        4L * DEPTH,
        data,
        allocate(FewRowsKernel.sumBytes(columns, rows)),
        c,
        4L * columns,
        allocate(4L * columns),
        scales,
        shifts,
        DEPTH,
        form.source().scaled() ? GROUP : DEPTH);
    for (int i = 0; i < rows * columns; i++) {
      float sum = 0;
      for (int k = 0; k < DEPTH; k++) {
        sum += number(i / columns, k) * weight(k, i % columns);
      }
      expect("few rows, " + rows + ",", c.getAtIndex(Tensor.FLOAT, i), sum);
    }
    return kernel;
  }

  private void expect(String what, float found, float expected) {
    if (found != expected) {
      throw new IllegalStateException(
          "the self-test of "
              + what
              + " of "
              + form
              + " failed: "
              + found
              + " instead of "
              + expected
              + "; use the kernels of the tier vector");
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
