package dev.hone.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelCases.Attending;
import dev.hone.tensor.kernel.KernelCases.Linear;
import dev.hone.tensor.kernel.KernelCases.Masked;
import dev.hone.tensor.kernel.KernelCases.Sparse;
import dev.hone.tensor.kernel.KernelCases.Values;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.scalar.ScalarKernels;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels of a tier against the scalar ones over the table of cases. */
public abstract class TierTest {
  /** 64 units of an F32's last place: what rounding of a few thousand summands may come to. */
  private static final float ROUNDING = 64 * 0x1p-24f;

  /** What two factors may lose that are rounded to 8 bits. */
  private static final float TWO_BF16 = 0x1p-8f;

  private static ComputePool pool;

  private Kernels scalar;
  private Kernels tier;
  private final Arena arena = Arena.ofShared();

  /** What is tested. */
  protected abstract Kernels tier(ComputePool pool);

  /** How many times as much as 24 bits would a product of floats may lose. */
  protected float floatLoss() {
    return 1;
  }

  /** Whether products of so many rows with such an input multiply numbers of BF16. */
  protected boolean roundsToBf16(Input input, int rows) {
    return false;
  }

  /** Whether a case of so many multiplications takes no time worth a word. */
  protected boolean affords(long multiplications) {
    return true;
  }

  private void assumeAffordable(Linear c) {
    assumeTrue(affords((long) c.tokens() * c.in() * c.out()), "too long");
  }

  private void assumeAffordable(AttentionShape shape, int[] queries, int[] keys) {
    long scores = 0;
    for (int s = 0; s < queries.length; s++) {
      scores += (long) queries[s] * keys[s];
    }
    assumeTrue(affords(2 * scores * shape.heads() * shape.headDim()), "too long");
  }

  @BeforeEach
  void create() {
    scalar = new ScalarKernels(pool);
    tier = tier(pool);
  }

  @AfterEach
  void close() {
    arena.close();
  }

  @BeforeAll
  static void start() {
    pool = new ComputePool(2);
  }

  @AfterAll
  static void stop() {
    pool.close();
  }

  static List<Linear> linears() {
    return KernelCases.linears();
  }

  static List<Attending> attendings() {
    return KernelCases.attendings();
  }

  /** Bound: 64 roundings of the sum of the magnitudes of all summands. */
  @ParameterizedTest
  @MethodSource("linears")
  void linear(Linear c) {
    assumeAffordable(c);
    Tensor x = KernelCases.tensor(arena, c.values(), 1, c.tokens(), c.in());
    Tensor weight = KernelCases.weight(arena, c, 2);
    Tensor bias = KernelCases.tensor(arena, c.values(), 3, c.out());
    assertMultiplies(c, x, weight, tier.pack(weight, arena), bias);
  }

  static List<Sparse> sparses() {
    return KernelCases.sparses();
  }

  /** A weight without its zeros is the same weight. Bound as above. */
  @ParameterizedTest
  @MethodSource("sparses")
  void sparseLinear(Sparse sparse) {
    Linear c = sparse.linear();
    assumeAffordable(c);
    Tensor weight = KernelCases.weight(arena, sparse, 2);
    assumeTrue(tier.multipliesSparse(weight), "none on this processor");
    Tensor x = KernelCases.tensor(arena, c.values(), 1, c.tokens(), c.in());
    Tensor bias = KernelCases.tensor(arena, c.values(), 3, c.out());
    PackedMatrix packed = tier.packSparse(weight, arena);
    assertMultiplies(c, x, weight, packed, bias);
    if (sparse.zeros() >= 0.5 && c.in() * c.out() > 10_000) {
      assertThat(packed.packedBytes()).isLessThan((long) (0.7 * weight.sizeBytes()));
    }
  }

  private void assertMultiplies(
      Linear c, Tensor x, Tensor weight, PackedMatrix packed, Tensor bias) {
    Tensor expected = like(c.tokens(), c.out());
    Tensor actual = like(c.tokens(), c.out());
    Tensor magnitude = like(c.tokens(), c.out());
    scalar.linear(x, scalar.pack(weight, arena), bias, Activation.NONE, expected);
    tier.linear(x, packed, bias, Activation.NONE, actual);
    Tensor sizes = absolute(Layouts.decode(weight, arena));
    scalar.linear(
        absolute(x), scalar.pack(sizes, arena), absolute(bias), Activation.NONE, magnitude);
    float[] bound = magnitude.toArray();
    for (int i = 0; i < bound.length; i++) {
      // a product of two tiny numbers may vanish in one tier and not in the other
      bound[i] = bound[i] * shiftFactor(c) * ROUNDING + Float.MIN_NORMAL;
    }
    assertClose(actual, expected, bound);
  }

  static List<Linear> roundedLinears() {
    Set<DType> types =
        Set.of(
            Plain.BF16,
            new Affine(8, 0, true),
            new Affine(8, 0, false),
            new Affine(4, 32, true),
            new Affine(4, 64, false),
            new Affine(3, 32, false),
            new Affine(2, 64, true),
            new Affine(6, 32, true),
            Block.Q8_0,
            Block.Q4_0,
            Block.Q4_1,
            Block.Q5_1,
            Block.Q4_K,
            Block.Q6_K,
            Block.IQ4_NL);
    return linears().stream().filter(c -> types.contains(c.type())).toList();
  }

  /**
   * The same integers on the same grid: nothing but rounding of the sums may differ. Bound as
   * above, over what is multiplied.
   */
  @ParameterizedTest
  @MethodSource("roundedLinears")
  void linearOfRoundedInput(Linear c) {
    assumeAffordable(c);
    Tensor x = KernelCases.tensor(arena, c.values(), 1, c.tokens(), c.in());
    Tensor weight = KernelCases.weight(arena, c, 2);
    Tensor bias = KernelCases.tensor(arena, c.values(), 3, c.out());
    Tensor sizes = absolute(Layouts.decode(weight, arena));
    for (Input input : KernelCases.inputs(c.in())) {
      Tensor expected = like(c.tokens(), c.out());
      Tensor actual = like(c.tokens(), c.out());
      Tensor magnitude = like(c.tokens(), c.out());
      boolean bf16 = roundsToBf16(input, c.tokens()) && BlockPanels.fits(weight);
      Input read = bf16 ? Input.FLOAT : input;
      scalar.linear(x, scalar.pack(weight, read, arena), bias, Activation.NONE, expected);
      tier.linear(x, tier.pack(weight, input, arena), bias, Activation.NONE, actual);
      scalar.linear(
          absolute(x), scalar.pack(sizes, arena), absolute(bias), Activation.NONE, magnitude);
      float[] bound = magnitude.toArray();
      float loss = shiftFactor(c) * ROUNDING + (bf16 ? TWO_BF16 : 0);
      for (int i = 0; i < bound.length; i++) {
        bound[i] = bound[i] * loss + Float.MIN_NORMAL;
      }
      assertClose(actual, expected, bound);
    }
  }

  static List<Input> inputs() {
    return KernelCases.inputs(96);
  }

  /** What stands for no number makes its row none, in every tier; the other rows are untouched. */
  @ParameterizedTest
  @MethodSource("inputs")
  void roundingKeepsWhatIsNoNumber(Input input) {
    Linear c = new Linear(new Affine(8, 0, true), 4, 96, 40, Values.NORMAL);
    Tensor x = KernelCases.tensor(arena, c.values(), 1, c.tokens(), c.in());
    x.row(0).setAtIndex(Tensor.FLOAT, 70, Float.NaN);
    x.row(1).setAtIndex(Tensor.FLOAT, 3, Float.intBitsToFloat(0xFFC00000)); // with a sign
    x.row(2).setAtIndex(Tensor.FLOAT, 95, Float.NEGATIVE_INFINITY);
    Tensor y = like(c.tokens(), c.out());
    Tensor weight = KernelCases.weight(arena, c, 2);
    tier.linear(x, tier.pack(weight, input, arena), null, Activation.NONE, y);
    for (int column = 0; column < c.out(); column++) {
      assertThat(y.get(0, column)).isNaN();
      assertThat(y.get(1, column)).isNaN();
      assertThat(y.get(2, column)).matches(value -> !Float.isFinite(value), "not finite");
      assertThat(y.get(3, column)).isFinite();
    }
  }

  /** Widening computes q s - zero s: each term may be larger than w by the number of steps. */
  private float shiftFactor(Linear c) {
    return switch (c.type()) {
      case Plain _ -> floatLoss();
      case Affine affine -> affine.symmetric() && affine.bits() == 8 ? 1 : 1 << affine.bits();
      case Block block -> block.shifted() || block.bits() < 5 ? 1 << block.bits() : 1;
    };
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void linearWithActivationAndNoBias(Activation activation) {
    Tensor x = KernelCases.tensor(arena, Values.NORMAL, 1, 25, 64);
    Tensor weight = KernelCases.tensor(arena, Values.NORMAL, 2, 37, 64);
    Tensor expected = like(25, 37);
    Tensor actual = like(25, 37);
    scalar.linear(x, scalar.pack(weight, arena), null, activation, expected);
    tier.linear(x, tier.pack(weight, arena), null, activation, actual);
    float[] bound = expected.toArray();
    for (int i = 0; i < bound.length; i++) {
      bound[i] = 64 * 4 * ROUNDING; // 64 products of at most about 4
    }
    assertClose(actual, expected, bound);
  }

  /** Bound: 1e-6, relative above one. */
  @ParameterizedTest
  @EnumSource(Activation.class)
  void activate(Activation activation) {
    float[] points = new float[40_007];
    for (int i = 0; i < points.length; i++) {
      points[i] = (i - 20_000) / 1000f; // -20 .. 20
    }
    points[0] = -1e30f;
    points[1] = 1e30f;
    points[2] = -200;
    points[3] = 200;
    points[4] = Float.MIN_VALUE;
    points[5] = -0f;
    Tensor x = Tensor.copyOf(arena, points, 1, points.length);
    Tensor expected = like(1, points.length);
    scalar.activate(x, activation, expected);
    tier.activate(x, activation, x);
    float[] bound = expected.toArray();
    for (int i = 0; i < bound.length; i++) {
      bound[i] = 1e-6f * Math.max(1, Math.abs(bound[i]));
    }
    assertClose(x, expected, bound);
  }

  /**
   * Bound: 1e-5 of the largest value: scores of up to 40 carry rounding into the exponent, and
   * tiles read 17 bits of a value. Where rounding is allowed, 2^-8: a value and its weight in BF16.
   */
  @ParameterizedTest
  @MethodSource("attendings")
  void attention(Attending c) {
    int[] offsets = c.offsets();
    int tokens = offsets[offsets.length - 1];
    int dim = c.headDim();
    long width = (long) c.heads() * dim;
    long kvWidth = (long) c.kvHeads() * dim;
    AttentionShape shape =
        new AttentionShape(c.heads(), c.kvHeads(), dim, (float) (1 / Math.sqrt(dim)));
    assumeAffordable(shape, c.lengths(), c.lengths());
    List<Values> all = List.of(Values.NORMAL, Values.ZERO, Values.MIXED);
    for (Values values : tokens > 1000 ? all.subList(0, 1) : all) {
      Tensor q = KernelCases.tensor(arena, values, 1, tokens, width);
      Tensor k = KernelCases.tensor(arena, values, 2, tokens, kvWidth);
      Tensor v = KernelCases.tensor(arena, values, 3, tokens, kvWidth);
      Tensor expected = like(tokens, width);
      Tensor actual = like(tokens, width);
      scalar.attention(q, k, v, shape, offsets, expected);
      for (boolean rounding : new boolean[] {false, true}) {
        tier.attention(q, k, v, shape.rounding(rounding), offsets, actual);
        float bound = (rounding ? 0x1p-8f : 1e-5f) * largest(v);
        assertClose(actual, expected, filled((int) actual.size(), bound));
      }
    }
  }

  private static float largest(Tensor x) {
    float largest = 1;
    for (float number : x.toArray()) {
      largest = Math.max(largest, Math.abs(number));
    }
    return largest;
  }

  static List<Masked> masked() {
    return KernelCases.masked();
  }

  /** Bound: that of {@link #attention}; values of up to four. */
  @ParameterizedTest
  @MethodSource("masked")
  void maskedAttention(Masked c) {
    assumeAffordable(c.shape(), c.queries(), c.keys());
    int[] offsets = c.offsets();
    int queries = offsets[offsets.length - 1];
    long width = (long) c.shape().heads() * c.shape().headDim();
    Tensor q = KernelCases.tensor(arena, Values.NORMAL, 1, queries, width);
    Tensor bias = c.bias(arena);
    Tensor expected = like(queries, width);
    Tensor actual = like(queries, width);
    for (KeyValueType type : KeyValueType.values()) {
      KeyValues keys = c.keyValues(type, arena);
      scalar.attention(q, offsets, keys, c.shape(), c.mask(), bias, expected);
      for (boolean rounding : new boolean[] {false, true}) {
        tier.attention(q, offsets, keys, c.shape().rounding(rounding), c.mask(), bias, actual);
        assertClose(actual, expected, filled((int) actual.size(), rounding ? 0x1p-6f : 4e-5f));
      }
    }
  }

  /** Bound: three roundings of numbers of up to about 5. */
  @Test
  void rope() {
    for (int headDim : new int[] {2, 26, 64, 128}) {
      for (int rotary : new int[] {2, headDim / 4 * 2, headDim}) {
        Tensor x = KernelCases.tensor(arena, Values.NORMAL, 1, 9, 3L * headDim);
        Tensor table = KernelCases.tensor(arena, Values.NORMAL, 2, 5, rotary);
        int[] positions = {0, 4, 1, 2, 3, 0, 0, 4, 3};
        Tensor expected = like(9, 3L * headDim);
        scalar.rope(x, table, positions, headDim, expected);
        tier.rope(x, table, positions, headDim, x);
        assertClose(x, expected, filled((int) x.size(), 16 * 0x1p-22f));
      }
    }
    Tensor x = like(1, 4);
    assertThatThrownBy(() -> tier.rope(x, like(2, 4), new int[] {2}, 4, x))
        .hasMessage("position 2 is not in f32[2, 4]");
  }

  /** Bound: 2e-5: normalized values times a gain, both up to 4. */
  @Test
  void rmsNorm() {
    for (int cols : KernelCases.SIZES) {
      Tensor x = KernelCases.tensor(arena, Values.MIXED, 1, 7, cols);
      Tensor residual = KernelCases.tensor(arena, Values.NORMAL, 2, 7, cols);
      Tensor weight = KernelCases.tensor(arena, Values.NORMAL, 3, cols);
      Tensor expected = like(7, cols);
      Tensor actual = like(7, cols);
      scalar.rmsNorm(x, residual, weight, 1, 1e-5f, expected);
      tier.rmsNorm(x, residual, weight, 1, 1e-5f, actual);
      assertClose(actual, expected, filled(7 * cols, 2e-5f));
      scalar.rmsNorm(x, null, weight, 0, 1e-5f, expected);
      tier.rmsNorm(x, null, weight, 0, 1e-5f, x);
      assertClose(x, expected, filled(7 * cols, 2e-5f));
    }
  }

  /** Bound: that of the activation, times a factor of up to 5. */
  @ParameterizedTest
  @EnumSource(Activation.class)
  void gate(Activation activation) {
    for (int cols : KernelCases.SIZES) {
      Tensor x = KernelCases.tensor(arena, Values.MIXED, 1, 3, cols);
      Tensor up = KernelCases.tensor(arena, Values.NORMAL, 2, 3, cols);
      Tensor expected = like(3, cols);
      scalar.gate(x, up, activation, expected);
      tier.gate(x, up, activation, up);
      assertClose(up, expected, filled(3 * cols, 1e-5f));
    }
  }

  @Test
  void scaleAndSoftCap() {
    for (int cols : KernelCases.SIZES) {
      for (Values values : List.of(Values.NORMAL, Values.ZERO, Values.HUGE, Values.DENORMAL)) {
        Tensor x = KernelCases.tensor(arena, values, 1, 3, cols);
        Tensor expected = like(3, cols);
        Tensor actual = like(3, cols);
        scalar.scale(x, 1.25f, expected);
        tier.scale(x, 1.25f, actual);
        assertClose(actual, expected, filled(3 * cols, 0));
        scalar.softCap(x, 3, expected);
        tier.softCap(x, 3, x);
        assertClose(x, expected, filled(3 * cols, 3e-6f));
      }
    }
  }

  @Test
  void addRows() {
    for (int cols : KernelCases.SIZES) {
      Tensor x = KernelCases.tensor(arena, Values.NORMAL, 1, 3, cols);
      Tensor expected = KernelCases.tensor(arena, Values.NORMAL, 2, 5, cols);
      Tensor actual = KernelCases.tensor(arena, Values.NORMAL, 2, 5, cols);
      float[] factors = {0.5f, -2, 0.3f};
      int[] rows = {4, 0, 2};
      scalar.addRows(x, factors, rows, expected);
      tier.addRows(x, factors, rows, actual);
      assertClose(actual, expected, filled(5 * cols, 16 * 0x1p-24f));
    }
    assertThatThrownBy(() -> tier.addRows(like(2, 4), new float[2], new int[] {1, 1}, like(3, 4)))
        .hasMessageContaining("row 1 is named twice");
  }

  /** Scores of several hundred, the largest last: whole blocks of keys are scaled away. */
  @Test
  void attentionOfSharpScores() {
    int tokens = 700;
    AttentionShape shape = new AttentionShape(1, 1, 32, 1);
    assumeAffordable(shape, new int[] {tokens}, new int[] {tokens});
    Tensor q = KernelCases.tensor(arena, Values.NORMAL, 1, tokens, 32);
    Tensor k = KernelCases.tensor(arena, Values.NORMAL, 2, tokens, 32);
    Tensor v = KernelCases.tensor(arena, Values.NORMAL, 3, tokens, 32);
    for (int t = 0; t < tokens; t++) {
      for (int d = 0; d < 32; d++) {
        k.data().set(Tensor.FLOAT, (t * 32L + d) * 4, k.get(t, d) * t / 70);
      }
    }
    Tensor expected = like(tokens, 32);
    Tensor actual = like(tokens, 32);
    scalar.attention(q, k, v, shape, new int[] {0, tokens}, expected);
    tier.attention(q, k, v, shape, new int[] {0, tokens}, actual);
    // an error of 2^-24 in a score of 200 is one of 1e-5 in its weight
    assertClose(actual, expected, filled(tokens * 32, 5e-4f));
  }

  /** Bound: 2e-5: normalized values times a gain, both up to 4. */
  @Test
  void layerNorm() {
    for (int cols : KernelCases.SIZES) {
      Tensor x = KernelCases.tensor(arena, Values.MIXED, 1, 7, cols);
      Tensor residual = KernelCases.tensor(arena, Values.NORMAL, 2, 7, cols);
      Tensor weight = KernelCases.tensor(arena, Values.NORMAL, 3, cols);
      Tensor bias = KernelCases.tensor(arena, Values.NORMAL, 4, cols);
      Tensor expected = like(7, cols);
      Tensor actual = like(7, cols);
      scalar.layerNorm(x, residual, weight, bias, 1e-5f, expected);
      tier.layerNorm(x, residual, weight, bias, 1e-5f, actual);
      assertClose(actual, expected, filled(7 * cols, 2e-5f));
      scalar.layerNorm(x, null, weight, null, 1e-5f, expected);
      tier.layerNorm(x, null, weight, null, 1e-5f, x);
      assertClose(x, expected, filled(7 * cols, 2e-5f));
    }
  }

  @ParameterizedTest
  @EnumSource(Pooling.class)
  void pool(Pooling pooling) {
    int[] offsets = {0, 1, 14, 221};
    for (int cols : KernelCases.SIZES) {
      Tensor x = KernelCases.tensor(arena, Values.NORMAL, 1, 221, cols);
      Tensor expected = like(3, cols);
      Tensor actual = like(3, cols);
      scalar.pool(x, pooling, offsets, expected);
      tier.pool(x, pooling, offsets, actual);
      assertClose(actual, expected, filled(3 * cols, 2e-5f)); // sums of up to 30
    }
    Tensor x = KernelCases.tensor(arena, Values.NORMAL, 1, 3, 5);
    assertThatThrownBy(() -> tier.pool(x, pooling, new int[] {0, 3, 3}, like(2, 5)))
        .hasMessage("sequence 1 has no tokens to pool");
  }

  @Test
  void addAndNormalize() {
    for (int cols : KernelCases.SIZES) {
      for (Values values : Values.values()) {
        Tensor a = KernelCases.tensor(arena, values, 1, 9, cols);
        Tensor b = KernelCases.tensor(arena, values, 2, 9, cols);
        Tensor expected = like(9, cols);
        scalar.add(a, b, expected);
        tier.add(a, b, b);
        assertClose(b, expected, filled(9 * cols, 0));
        scalar.normalize(a, expected);
        tier.normalize(a, a);
        assertClose(a, expected, filled(9 * cols, 0x1p-23f));
      }
    }
  }

  /** The same bytes decoded: nothing is rounded twice. */
  @Test
  void embed() {
    for (var type : KernelCases.WEIGHTS) {
      Tensor table = KernelCases.weight(arena, new Linear(type, 0, 256, 40, Values.NORMAL), 1);
      int[] rows = {39, 0, 0, 0, 17, 18, 19, 5, 9, 13, 39};
      Tensor expected = like(rows.length, 256);
      Tensor actual = like(rows.length, 256);
      for (boolean add : new boolean[] {false, true}) {
        scalar.embed(table, rows, add, expected);
        tier.embed(table, rows, add, actual);
        assertClose(actual, expected, filled(rows.length * 256, 0));
      }
      assertThatThrownBy(() -> tier.embed(table, new int[] {0, 40}, false, like(2, 256)))
          .hasMessageContaining("row 40 (number 1 of those asked for) is not in the table");
    }
  }

  /**
   * Types of 2 and 3 bits take 4, those of 5 to 7 take 8, and a block's scale is F32; no type takes
   * more than a byte and its scales.
   */
  @Test
  void packsQuantizedWeightsWithoutWideningThem() {
    for (var type : KernelCases.WEIGHTS) {
      Linear c = new Linear(type, 1, 4096, 192, Values.NORMAL); // whole panels of 16, 48 and 64
      Tensor weight = KernelCases.weight(arena, c, 1);
      double bits = 8.0 * tier.pack(weight, arena).packedBytes() / weight.size();
      double most =
          switch (type) {
            case Block.Q4_0 -> 5;
            case Block.Q4_1, Block.Q3_K, Block.Q4_K -> 6;
            case Block.Q2_K -> 8;
            case Block.Q8_0, Block.Q5_0, Block.IQ4_NL -> 9;
            case Block.Q5_1, Block.Q5_K, Block.Q6_K -> 10;
            default -> 1.01 * 8 * Layouts.widened(weight, arena).sizeBytes() / weight.size();
          };
      assertThat(bits).as(type.label()).isBetween(0.98 * most, 1.001 * most);
    }
  }

  @Test
  void refusesTensorsThatDoNotFit() {
    PackedMatrix packed = tier.pack(like(8, 16), arena);
    assertThatThrownBy(() -> tier.linear(like(3, 15), packed, null, Activation.NONE, like(3, 8)))
        .hasMessage("x must be f32[3, 16], not f32[3, 15]");
    assertThatThrownBy(() -> tier.add(like(2, 2), like(2, 3), like(2, 2)))
        .hasMessageContaining("must be f32[2, 2]");
    assertThatThrownBy(
            () ->
                tier.attention(
                    like(4, 8),
                    like(4, 8),
                    like(4, 8),
                    new AttentionShape(2, 2, 4, 1),
                    new int[] {0, 3},
                    like(4, 8)))
        .hasMessageContaining("offsets must rise from 0 to the 4 tokens");
  }

  private Tensor like(long rows, long cols) {
    return Tensor.allocate(arena, Plain.F32, rows, cols);
  }

  private Tensor absolute(Tensor tensor) {
    float[] values = tensor.toArray();
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.abs(values[i]);
    }
    return Tensor.copyOf(arena, values, tensor.shape());
  }

  private static float[] filled(int count, float value) {
    float[] array = new float[count];
    java.util.Arrays.fill(array, value);
    return array;
  }

  private static void assertClose(Tensor actual, Tensor expected, float[] bound) {
    float[] a = actual.toArray();
    float[] e = expected.toArray();
    for (int i = 0; i < a.length; i++) {
      boolean close = a[i] == e[i] || Math.abs(a[i] - e[i]) <= bound[i];
      if (!close) {
        assertThat(a[i])
            .as("row %d, column %d; bound %g", i / actual.cols(), i % actual.cols(), bound[i])
            .isEqualTo(e[i]);
      }
    }
  }
}
