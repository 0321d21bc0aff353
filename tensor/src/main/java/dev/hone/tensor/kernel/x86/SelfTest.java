package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Activation;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.PairPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.IntegerProductKernel.Form;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Every kernel once, on a case whose answer is known: before anything is computed with them. */
final class SelfTest {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final X86Code code;
  private final Arena arena;
  private final int columns;

  private SelfTest(X86Code code, Arena arena) {
    this.code = code;
    this.arena = arena;
    this.columns = code.product().columns();
  }

  /** Thrown with what was computed instead. */
  private static final class WrongException extends RuntimeException {
    private static final long serialVersionUID = 1;

    WrongException(String message) {
      super(message);
    }
  }

  /** What is wrong, if anything is. */
  static Optional<String> run(X86Code code) {
    try (Arena arena = Arena.ofConfined()) {
      SelfTest test = new SelfTest(code, arena);
      test.product(code.product());
      test.product(code.narrowProduct());
      test.integerProducts();
      if (code.has(Feature.AVX512)) {
        test.sparse();
      }
      if (code.hasTiles()) {
        test.tiles();
      }
      if (code.hasPairs()) {
        test.pairs();
      }
      test.activations();
      test.rows();
      test.softmax();
      test.oneQuery();
      for (boolean rounding : new boolean[] {false, true}) {
        if (code.splits(rounding) != null) {
          test.splits(code.splits(rounding));
        }
      }
      return Optional.empty();
    } catch (WrongException e) {
      return Optional.of("the self-test of " + e.getMessage());
    }
  }

  private void product(ProductKernel product) {
    int columns = product.columns();
    int rows = product.height() + 1;
    int depth = 7;
    int panels = 2;
    int width = panels * columns;
    MemorySegment a = floats(rows * depth, i -> i % 5 - 2);
    MemorySegment b = floats(panels * depth * columns, i -> i % 11 - 5);
    MemorySegment c = floats(rows * width, _ -> Float.NaN);
    MemorySegment start = floats(width, i -> i % 3);
    long stride = width * 4L;
    long bStride = (long) depth * columns * 4;
    long step = columns * 4L;
    product.run(a, depth * 4L, b, bStride, c, stride, rows, depth, panels, start, step);
    expect(
        "the product",
        c,
        rows * width,
        i -> {
          int panel = i % width / columns;
          int sum = i % width % 3;
          for (int k = 0; k < depth; k++) {
            int at = (panel * depth + k) * columns + i % columns;
            sum += ((i / width * depth + k) % 5 - 2) * (at % 11 - 5);
          }
          return sum;
        },
        0);
  }

  private void multiply(Tensor x, Panels weight, Tensor y, ComputePool pool) {
    var part = new LinearPart(weight, null, Activation.NONE, y);
    new X86Linear(x, Input.FLOAT, List.of(part), code).run(pool);
  }

  /** Of whole numbers every third is zero; few rows, and more. */
  private void sparse() {
    for (Plain type : List.of(Plain.F32, Plain.F16, Plain.BF16)) {
      sparse(type, columns);
      if (code.hasTiles() && type != Plain.F16) {
        sparse(type, AmxForm.COLUMNS);
      }
    }
  }

  private void sparse(Plain type, int width) {
    int depth = 64;
    int out = width + 1;
    try (ComputePool pool = new ComputePool(1)) {
      Tensor w = Tensor.allocate(arena, Plain.F32, out, depth);
      w.data().copyFrom(floats(out * depth, i -> i % 3 == 0 ? 0 : i % 11 - 5));
      SparsePanels panels = SparsePanels.pack(Layouts.encode(w, type, arena), width, arena, pool);
      float[] weights = w.toArray();
      for (int rows : new int[] {1, SparseRowsKernel.MOST_ROWS + 1}) {
        Tensor x = Tensor.allocate(arena, Plain.F32, rows, depth);
        x.data().copyFrom(floats(rows * depth, i -> i % 5 - 2));
        Tensor y = Tensor.allocate(arena, Plain.F32, rows, out);
        multiply(x, panels, y, pool);
        float[] in = x.toArray();
        expect(
            type.label() + " without zeros",
            y.data(),
            rows * out,
            i -> product(in, i / out * depth, weights, i % out * depth, depth),
            0);
      }
    }
  }

  /** Rows of whole numbers from -100 to 155, which are their own roundings. */
  private void integerProducts() {
    int rows = code.product().height() + 1;
    int depth = 6;
    Form form = code.integerProduct().form();
    int units = (depth + form.unit() - 1) / form.unit();
    int[][] x = new int[rows][depth];
    for (int r = 0; r < rows; r++) {
      x[r] = new int[] {-100, 155, r, 2 * r - 20, 7, -3 * r};
    }
    MemorySegment floats = floats(rows * depth, i -> x[i / depth][i % depth]);
    int panels = 2;
    int width = panels * columns;
    long panelBytes = (long) units * form.unit() * columns;
    MemorySegment b = arena.allocate(panels * panelBytes);
    MemorySegment scales = arena.allocate(2L * width * 4);
    for (int j = 0; j < width; j++) {
      int sum = 0;
      long panel = j / columns * panelBytes;
      int column = j % columns;
      for (int k = 0; k < depth; k++) {
        long at = ((long) k / form.unit() * columns + column) * form.unit() + k % form.unit();
        b.set(ValueLayout.JAVA_BYTE, panel + at, (byte) weight(k, j));
        sum += weight(k, j);
      }
      long at = (j / columns * 2L * columns + column) * 4;
      scales.set(Tensor.FLOAT, at, 0.5f);
      scales.set(INT, at + columns * 4L, sum);
    }
    RoundingKernel rounding = code.rounding(Input.DYNAMIC_INT8);
    long rowBytes = rounding.rowBytes(depth);
    MemorySegment integers = arena.allocate(rows * rowBytes);
    MemorySegment grids = arena.allocate((long) rows * Grids.BYTES);
    MemorySegment c = floats(rows * width, _ -> Float.NaN);
    MemorySegment bias = floats(width, i -> i % 3);
    MemorySegment none = MemorySegment.NULL;
    rounding.run(floats, depth * 4L, rows, depth, integers, rowBytes, grids, none);
    IntToDoubleFunction expected =
        i -> {
          int sum = 0;
          for (int k = 0; k < depth; k++) {
            sum += x[i / width][k] * weight(k, i % width);
          }
          return 0.5 * sum + i % width % 3;
        };
    code.integerProduct()
        .run(
            integers,
            rowBytes,
            grids,
            b,
            scales,
            bias,
            columns * 4L,
            c,
            width * 4L,
            rows,
            units,
            panels);
    expect("the product of integers", c, rows * width, expected, 1e-2);
  }

  /** Numbers of more bits than a BF16 has; bytes that are their own roundings. */
  private void tiles() {
    int rows = AmxForm.ROWS + 1;
    int depth = 70;
    int out = TilePanels.COLUMNS + 1;
    try (ComputePool pool = new ComputePool(1)) {
      for (DType type : List.of(Plain.F32, Plain.BF16, new Affine(8, 0, true))) {
        float less = type == Plain.F32 ? 0x1p-12f : 0;
        Tensor x = Tensor.allocate(arena, Plain.F32, rows, depth);
        x.data().copyFrom(floats(rows * depth, i -> number(i / depth, i % depth) + less));
        Tensor w = Tensor.allocate(arena, Plain.F32, out, depth);
        w.data().copyFrom(floats(out * depth, i -> number(i / depth, i % depth) / 127f + less));
        Tensor stored = Layouts.encode(w, type, arena);
        Tensor y = Tensor.allocate(arena, Plain.F32, rows, out);
        Panels panels =
            type instanceof Plain
                ? TilePanels.pack(stored, Input.FLOAT, arena, pool)
                : DotPanels.pack(stored, Input.DYNAMIC_INT8, DotPanels.Order.TILES, arena, pool);
        multiply(x, panels, y, pool);
        float[] in = x.toArray();
        float[] weights = Layouts.decode(stored, arena).toArray();
        expect(
            type.label() + " by tiles",
            y.data(),
            rows * out,
            i -> product(in, i / out * depth, weights, i % out * depth, depth),
            2e-2);
      }
    }
  }

  /** Whole numbers that are their own roundings. */
  private void pairs() {
    int rows = code.product().height() + 1;
    int depth = 35;
    int out = columns + 1;
    try (ComputePool pool = new ComputePool(1)) {
      Tensor x = Tensor.allocate(arena, Plain.F32, rows, depth);
      x.data().copyFrom(floats(rows * depth, i -> i % 5 - 2));
      Tensor w = Tensor.allocate(arena, Plain.F32, out, depth);
      w.data().copyFrom(floats(out * depth, i -> i % 11 - 5));
      PairPanels panels =
          PairPanels.pack(Layouts.encode(w, Plain.BF16, arena), columns, arena, pool);
      Tensor y = Tensor.allocate(arena, Plain.F32, rows, out);
      multiply(x, panels, y, pool);
      float[] in = x.toArray();
      float[] weights = w.toArray();
      expect(
          "bf16 by pairs",
          y.data(),
          rows * out,
          i -> product(in, i / out * depth, weights, i % out * depth, depth),
          0);
    }
  }

  /** From -127 to 128 in each row. */
  private static float number(int row, int k) {
    int at = (k + row) % 5;
    return at == 0 ? 128 : at == 1 ? -127 : (k * 37 + row * 11) % 255 - 127;
  }

  private static int weight(int k, int j) {
    return (k * 37 + j * 11) % 255 - 127;
  }

  private void activations() {
    for (Activation activation : Activation.values()) {
      double expected =
          switch (activation) {
            case NONE, RELU -> 1;
            case GELU -> 0.841344746;
            case GELU_TANH -> 0.841191991;
            case TANH -> 0.761594156;
            case SILU -> 0.731058579;
          };
      int count = 4 * 16 + 8 + 3; // four vectors, one, and a part
      MemorySegment x = floats(count, _ -> 1);
      code.activation(activation).run(x, 0, x, x, 0, 1, count);
      expect(activation.name(), x, count, _ -> expected, 2e-6);
      x = floats(count, _ -> 1);
      MemorySegment two = floats(count, _ -> 2);
      code.gate(activation).run(x, 0, two, x, 0, 1, count);
      expect(activation.name() + " as a gate", x, count, _ -> 2 * expected, 4e-6);
    }
  }

  private void rows() {
    int length = 8;
    int columns = code.transpose().columns();
    int rows = columns + 9;
    MemorySegment in = floats(rows * length, i -> i);
    MemorySegment out = floats(2 * length * columns, _ -> -1);
    code.transpose().run(in, length * 4L, rows, length, out);
    expect(
        "transposition",
        out,
        2 * length * columns,
        i -> {
          int row = i / (length * columns) * columns + i % columns;
          return row < rows ? row * length + i / columns % length : -1;
        },
        0);
    MemorySegment factors = floats(rows, i -> i);
    code.rows().run(Operation.SCALE, in, length * 4L, in, length * 4L, rows, length, factors, 4);
    expect(
        "scaled rows",
        in,
        rows * length,
        i -> {
          int row = i / length;
          return i * row;
        },
        0);
    MemorySegment between = floats(length, i -> 256 + i); // odd ones are halfway between two BF16
    code.rows().run(Operation.ROUND_BF16, between, 32, between, 32, 1, length);
    expect("rounded rows", between, length, i -> i % 2 == 0 ? 256 + i : (257 + i) / 4 * 4, 0);
    code.rows().run(Operation.COPY, in, length * 4L, out, length * 4L, 1, length);
    expect("copied rows", out, length, _ -> 0, 0);
    code.rows().run(Operation.ADD, in.asSlice(length * 4L), 32, out, 32, 1, length);
    code.rows().run(Operation.ADD, in.asSlice(length * 4L), 32, out, 32, 1, length);
    expect("added rows", out, length, i -> 2 * (i + length), 0);
    MemorySegment two = floats(1, _ -> 2);
    code.rows().run(Operation.DIVIDE, out, 32, out, 32, 1, length, two, 4);
    expect("divided rows", out, length, i -> i + length, 0);
  }

  /** Of scores that are all the same, and of none. */
  private void softmax() {
    int width = 48;
    int first = 41;
    MemorySegment scores = floats(3 * width, i -> i % width < first ? Float.NaN : 5);
    MemorySegment states = arena.allocate(3L * SoftmaxKernel.STATE_BYTES);
    var range = new SoftmaxKernel.Range(first, width, width - 4); // the last row's is empty
    code.softmax().run(scores, width * 4L, 3, width, range, 0.25f, states, true);
    expect(
        "softmax",
        scores,
        3 * width,
        i -> {
          int row = i / width;
          return i % width >= first + row && i % width < width - 4 ? 1 : 0;
        },
        1e-6);
    MemorySegment sum = states.asSlice(SoftmaxKernel.SUM);
    expect("the sum of softmax", sum, 1, _ -> width - 4 - first, 1e-4);
  }

  /** Nine keys and values, 72 numbers each, where they lie. */
  private void oneQuery() {
    int length = 72;
    int rows = 9;
    MemorySegment in = floats(rows * length, i -> i % 7);
    MemorySegment ones = floats(length, _ -> 1);
    MemorySegment dots = floats(rows, _ -> Float.NaN);
    code.keyDots().run(ones, in, length * 4L, rows, length, dots);
    expect("a query's scores", dots, rows, i -> sum(length, k -> (i * length + k) % 7), 0);
    MemorySegment sums = floats(length, i -> i);
    code.valueSum().run(ones, in, length * 4L, rows, length, sums);
    expect("a sum of values", sums, length, i -> i + sum(rows, k -> (k * length + i) % 7), 0);
    MemorySegment stored = arena.allocate(16);
    for (int i = 0; i < 8; i++) {
      stored.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(i - 0.5f));
    }
    code.rows().run(Operation.WIDEN_HALVES, stored, 16, sums, 32, 1, 8);
    expect("widened rows", sums, 8, i -> i - 0.5, 0);
    stored.setAtIndex(ValueLayout.JAVA_LONG, 0, 0x807F030201FF0081L);
    code.rows().run(Operation.SCALE_BYTES, stored, 8, sums, 32, 1, 8, floats(1, _ -> 0.5f), 4);
    int[] bytes = {-127, 0, -1, 1, 2, 3, 127, -128};
    expect("scaled bytes", sums, 8, i -> bytes[i] / 2.0, 0);
  }

  /** One query of ones and 32 keys of whole numbers; values are the keys. */
  private void splits(Splits splits) {
    int dim = SplitParts.STEP;
    int tile = SplitParts.TILE;
    long stride = dim * 4L;
    MemorySegment query = floats(tile * dim, _ -> 1);
    MemorySegment keys =
        floats(dim * dim, i -> i % dim == 0 ? Math.floorDiv(i / dim, 8) + 0x1p-20 : 0);
    MemorySegment columns = floats(dim * dim, i -> i < dim ? Math.floorDiv(i, 8) + 0x1p-20 : 0);
    long scoreBytes = (long) splits.scoreParts() * SplitParts.BYTES;
    long valueBytes = (long) splits.valueParts() * SplitParts.BYTES;
    MemorySegment rows = arena.allocate(tile * scoreBytes);
    MemorySegment panels = arena.allocate(dim * scoreBytes);
    MemorySegment scores = floats(tile * dim, _ -> Float.NaN);
    splits.rows().run(query, stride, tile, 1, rows, scoreBytes, 1);
    splits.keys().run(columns, stride, dim, 2, tile, panels);
    splits
        .scores()
        .run(rows, scoreBytes, panels, tile * scoreBytes, scores, stride, tile, 2, 1, false);
    IntToDoubleFunction score = i -> Math.floorDiv(i % dim, 8) + 0x1p-20;
    expect("scores by tiles", scores, tile * dim, score, 0);
    MemorySegment states = arena.allocate((long) tile * SoftmaxKernel.STATE_BYTES);
    var range = new SoftmaxKernel.Range(-tile, dim, dim - 8);
    splits.softmax().run(scores, stride, tile, dim, range, states, true, rows, valueBytes);
    MemorySegment sum = states.asSlice(SoftmaxKernel.SUM);
    double sumError = splits.valueParts() == 1 ? 1.4e-3 : 1e-5;
    expect("the sum of softmax by tiles", sum, 1, _ -> 8 * (1 + 0.5 + 0.25), sumError);
    double valueError = Math.scalb(12.0, -8 * splits.valueParts());
    splits.values().run(keys, stride, dim, 2, tile, panels);
    splits
        .mix()
        .run(rows, valueBytes, panels, tile * valueBytes, scores, stride, tile, 2, 1, false);
    expect(
        "values by tiles", scores, tile * dim, i -> i % dim == 0 ? 8 * (2 + 0.5) : 0, valueError);
  }

  private static double product(float[] a, int fromA, float[] b, int fromB, int count) {
    double sum = 0;
    for (int k = 0; k < count; k++) {
      sum += (double) a[fromA + k] * b[fromB + k];
    }
    return sum;
  }

  private static double sum(int count, IntToDoubleFunction of) {
    return IntStream.range(0, count).mapToDouble(of).sum();
  }

  private MemorySegment floats(int count, IntToDoubleFunction value) {
    MemorySegment segment = arena.allocate((long) count * Float.BYTES, Tensor.ALIGNMENT);
    for (int i = 0; i < count; i++) {
      segment.set(Tensor.FLOAT, i * 4L, (float) value.applyAsDouble(i));
    }
    return segment;
  }

  private static void expect(
      String what, MemorySegment found, int count, IntToDoubleFunction expected, double tolerance) {
    for (int i = 0; i < count; i++) {
      float number = found.get(Tensor.FLOAT, i * 4L);
      if (!(Math.abs(number - expected.applyAsDouble(i)) <= tolerance)) {
        throw new WrongException(
            what + " failed: " + number + " instead of " + expected.applyAsDouble(i));
      }
    }
  }
}
