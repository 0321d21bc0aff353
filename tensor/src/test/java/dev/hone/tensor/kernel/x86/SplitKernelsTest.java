package dev.hone.tensor.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels of attention by tiles, where every operand ends where memory ends. */
@EnabledIf("available")
class SplitKernelsTest {
  private static final X86Code CODE =
      X86Kernels.availability().available() ? X86Code.here().code() : null;

  private final Random random = new Random(1);

  static boolean available() {
    return CODE != null && CODE.splits(false) != null;
  }

  /** Bound: what the parts leave, 2^-9, 2^-17 or 2^-24, and rounding of sums. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void multipliesTheSumsOfParts(int parts) {
    var rows = new SplitRowsKernel(parts);
    var pairs = new SplitPairsKernel(parts);
    var product = new SplitProductKernel(parts);
    for (int round = 0; round < 100; round++) {
      multiplies(rows, pairs, product, parts, Math.scalb(1.0, parts == 3 ? -22 : -8 * parts + 1));
    }
  }

  private void multiplies(
      SplitRowsKernel left,
      SplitPairsKernel right,
      SplitProductKernel product,
      int parts,
      double bound) {
    int rows = 16 * (1 + random.nextInt(4));
    int panels = 2 * (1 + random.nextInt(3));
    int steps = 1 + random.nextInt(3);
    int depth = 32 * steps - random.nextInt(32);
    int cols = 16 * panels;
    long aStride = 64L * parts * steps + 64L * random.nextInt(2);
    long bStride = 16L * steps * parts * 64;
    long cStride = 4L * (cols + random.nextInt(5));
    try (GuardedMemory x = floats(rows * 32 * steps);
        GuardedMemory y = floats(depth * cols);
        GuardedMemory a = new GuardedMemory((rows - 1) * aStride + 64L * parts * steps);
        GuardedMemory b = new GuardedMemory(panels * bStride);
        GuardedMemory c = new GuardedMemory((rows - 1) * cStride + 4L * cols)) {
      left.run(x.segment(), 128L * steps, rows, steps, a.segment(), aStride, 0.5f);
      right.run(y.segment(), 4L * cols, depth, panels, 16L * steps, b.segment());
      for (boolean add : new boolean[] {false, true}) {
        product.run(
            a.segment(),
            aStride,
            b.segment(),
            bStride,
            c.segment(),
            cStride,
            rows,
            panels,
            steps,
            add);
      }
      for (int row = 0; row < rows; row++) {
        int col = random.nextInt(cols);
        double sum = 0;
        double size = 0;
        for (int k = 0; k < depth; k++) {
          double summand = at(x, row * 32 * steps + k) * at(y, k * cols + col);
          sum += summand;
          size += Math.abs(summand);
        }
        double found = c.segment().get(Tensor.FLOAT, row * cStride + 4L * col);
        assertThat(found).isCloseTo(sum, within(bound * size)); // half of it, added twice
      }
      MemorySegment less = a.segment().asSlice(4);
      assertThatThrownBy(
              () ->
                  product.run(
                      less,
                      aStride,
                      b.segment(),
                      bStride,
                      c.segment(),
                      cStride,
                      rows,
                      panels,
                      steps,
                      false))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(
              () -> right.run(y.segment(), 4L * cols, depth, panels, 16L * steps + 1, b.segment()))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(
              () -> left.run(x.segment(), 128L * steps, rows, steps + 1, less, aStride, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  /** Bound: that of a weight's parts, and of the polynomial. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void weighsWhatIsInRange(boolean rounding) {
    Splits splits = CODE.splits(rounding);
    int parts = splits.valueParts();
    double weightBound = parts == 1 ? 0x1.08p-8 : 0x1p-16;
    double sumBound = parts == 1 ? 1e-4 : 1e-6;
    for (int round = 0; round < 200; round++) {
      int rows = 1 + random.nextInt(40);
      int width = 32 * (1 + random.nextInt(4));
      int first = random.nextInt(width) - 20;
      int end = random.nextInt(width + 20);
      int count = 1 + random.nextInt(width);
      long stride = 4L * width;
      long weightStride = 2L * width * parts;
      try (GuardedMemory scores = floats(rows * width);
          GuardedMemory states = new GuardedMemory((long) rows * SoftmaxKernel.STATE_BYTES);
          GuardedMemory weights = new GuardedMemory(rows * weightStride)) {
        float[] before = scores.segment().toArray(Tensor.FLOAT);
        var range = new SoftmaxKernel.Range(first, end, count);
        splits
            .softmax()
            .run(
                scores.segment(),
                stride,
                rows,
                width,
                range,
                states.segment(),
                true,
                weights.segment(),
                weightStride);
        for (int row = 0; row < rows; row++) {
          int from = Math.max(0, first + row);
          int to = Math.min(count, end + row);
          float largest = Float.NEGATIVE_INFINITY;
          for (int key = from; key < to; key++) {
            largest = Math.max(largest, before[row * width + key]);
          }
          double sum = 0;
          for (int key = 0; key < width; key++) {
            boolean seen = key >= from && key < to;
            double weight = seen ? Math.pow(2, before[row * width + key] - largest) : 0;
            assertThat(weight(weights, row * weightStride, key, parts))
                .isCloseTo(weight, within(weight * weightBound));
            sum += weight;
          }
          assertThat((double) at(states, row * 4 + 1)).isCloseTo(sum, within(sum * sumBound));
        }
      }
    }
  }

  /** The sum of a weight's parts. */
  private static double weight(GuardedMemory weights, long row, int key, int parts) {
    double sum = 0;
    for (int part = 0; part < parts; part++) {
      long at = row + (key / 32 * parts + part) * 64L + key % 32 * 2L;
      short bits = weights.segment().get(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, at);
      sum += Float.intBitsToFloat(bits << 16);
    }
    return sum;
  }

  private static float at(GuardedMemory memory, int index) {
    return memory.segment().get(Tensor.FLOAT, 4L * index);
  }

  private GuardedMemory floats(int count) {
    GuardedMemory memory = new GuardedMemory(4L * count);
    for (int i = 0; i < count; i++) {
      memory.segment().set(Tensor.FLOAT, 4L * i, (float) random.nextGaussian());
    }
    return memory;
  }
}
