package dev.hone.tensor.kernel;

import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** The one table of cases that every tier is checked on. */
public final class KernelCases {
  /** One number, less than any vector, odd, a multiple of 2 only, more than any block. */
  public static final List<Integer> SIZES = List.of(1, 13, 207, 702, 4098);

  /** Every type that a weight may have. */
  public static final List<DType> WEIGHTS =
      List.of(
          Plain.F32,
          Plain.F16,
          Plain.BF16,
          new Affine(8, 0, true),
          new Affine(8, 0, false),
          new Affine(8, 128, true),
          new Affine(8, 13, false),
          new Affine(4, 0, false),
          new Affine(4, 32, true),
          new Affine(4, 32, false),
          new Affine(4, 64, false),
          new Affine(4, 128, true),
          new Affine(2, 64, true),
          new Affine(3, 32, false),
          new Affine(3, 0, true),
          new Affine(5, 32, false),
          new Affine(6, 0, true),
          new Affine(7, 13, false),
          Block.Q8_0,
          Block.Q4_0,
          Block.Q4_1,
          Block.Q5_0,
          Block.Q5_1,
          Block.Q2_K,
          Block.Q3_K,
          Block.Q4_K,
          Block.Q5_K,
          Block.Q6_K,
          Block.IQ4_NL);

  /** Every way in which a product may read its input; one static grid cuts what is far out. */
  public static final List<Input> INPUTS =
      Stream.concat(
              Arrays.stream(Input.Kind.values()),
              Stream.of(Input.StaticInt8.of(-0.7f, 1.9f), new Input.StaticInt8(0.04f, 128)))
          .toList();

  /** These, and a grid whose columns are multiplied with factors first. */
  public static List<Input> inputs(int columns) {
    float[] factors = new float[columns];
    for (int i = 0; i < columns; i++) {
      factors[i] = 1 - i % 11 / 16f;
    }
    Input multiplied = new Input.StaticInt8(0.02f, 100, ColumnFactors.of(factors));
    return Stream.concat(INPUTS.stream(), Stream.of(multiplied)).toList();
  }

  private KernelCases() {}

  /** What numbers a tensor is filled with. */
  public enum Values {
    /** Standard normal. */
    NORMAL,
    ZERO,
    /** Normal times 1e15: squares stay finite. */
    HUGE,
    /** Below the least normal float. */
    DENORMAL,
    /** Normal, one in eight of them zero, one in eight tiny. */
    MIXED;

    float next(Random random) {
      float value = (float) random.nextGaussian();
      return switch (this) {
        case NORMAL -> value;
        case ZERO -> 0;
        case HUGE -> value * 1e15f;
        case DENORMAL -> value * 1e-39f;
        case MIXED ->
            switch (random.nextInt(8)) {
              case 0 -> 0;
              case 1 -> value * 1e-6f;
              default -> value;
            };
      };
    }
  }

  /** A product: tokens [tokens, in] by a weight [out, in]. */
  public record Linear(DType type, int tokens, int in, int out, Values values) {}

  /** Every type in every size of each dimension, and the extreme values. */
  public static List<Linear> linears() {
    List<Linear> cases = new ArrayList<>();
    for (DType type : WEIGHTS) {
      int step = type instanceof Block block ? block.columns() : 1;
      for (int size : SIZES) {
        cases.add(new Linear(type, 13, rounded(size, step), 35, Values.NORMAL));
        cases.add(new Linear(type, 2, rounded(96, step), size, Values.MIXED));
      }
      cases.add(new Linear(type, 33, rounded(4098, step), 35, Values.NORMAL)); // tiles, in parts
      for (int tokens : new int[] {1, 3, 4, 5, 6, 8, 16, 128, 207, 702}) {
        cases.add(new Linear(type, tokens, rounded(416, step), 33, Values.NORMAL));
      }
      for (Values values : Values.values()) {
        boolean fits = type != Plain.F16 && !(type instanceof Block) || values != Values.HUGE;
        if (fits) {
          cases.add(new Linear(type, 7, rounded(224, step), 50, values));
        }
      }
    }
    return cases;
  }

  /**
   * A product with a weight of which some numbers are zero.
   *
   * @param zeros their share
   */
  public record Sparse(Linear linear, double zeros) {}

  /** Every case of plain numbers, by turns with none, some, most and nothing but zeros. */
  public static List<Sparse> sparses() {
    double[] shares = {0.5, 0.9, 0.3, 0, 0.5, 1, 0.7};
    List<Sparse> cases = new ArrayList<>();
    for (Linear linear : linears()) {
      if (SparsePanels.fits(linear.type())) {
        cases.add(new Sparse(linear, shares[cases.size() % shares.length]));
      }
    }
    for (double share : shares) {
      cases.add(new Sparse(new Linear(Plain.F16, 3, 416, 207, Values.NORMAL), share));
    }
    return cases;
  }

  private static int rounded(int size, int step) {
    return (size + step - 1) / step * step;
  }

  /** Softmax attention over sequences of these lengths. */
  public record Attending(int heads, int kvHeads, int headDim, int... lengths) {
    public int[] offsets() {
      int[] offsets = new int[lengths.length + 1];
      for (int s = 0; s < lengths.length; s++) {
        offsets[s + 1] = offsets[s] + lengths[s];
      }
      return offsets;
    }

    @Override
    public String toString() {
      return heads + "/" + kvHeads + "x" + headDim + java.util.Arrays.toString(lengths);
    }
  }

  public static List<Attending> attendings() {
    return List.of(
        new Attending(1, 1, 1, 1),
        new Attending(12, 12, 32, 1, 2, 13, 16, 31),
        new Attending(12, 12, 32, 207),
        new Attending(3, 3, 13, 5, 0, 97, 96),
        new Attending(4, 2, 64, 17, 256, 257),
        new Attending(2, 1, 128, 300),
        new Attending(1, 1, 8, 2049));
  }

  /**
   * Attention that sees a part of its keys, which lie in pages.
   *
   * @param furthest distances with a bias of their own, on each side; -1: no bias
   * @param queries of each sequence
   * @param keys of each sequence, at least as many
   */
  public record Masked(
      AttentionShape shape, AttentionMask mask, int furthest, int[] queries, int[] keys) {
    private static final int PAGE = 16;

    public int[] offsets() {
      return new Attending(1, 1, 1, queries).offsets();
    }

    public Tensor bias(Arena arena) {
      return furthest < 0
          ? null
          : tensor(arena, Values.NORMAL, 4, shape.heads(), 2L * furthest + 1);
    }

    /** Seeded keys and values in pages that lie in no order, each sequence from row 3 on. */
    public KeyValues keyValues(KeyValueType type, Arena arena) {
      int first = 3;
      int[][] pages = new int[keys.length][];
      int count = 0;
      for (int s = 0; s < keys.length; s++) {
        pages[s] = new int[(first + keys[s] + PAGE - 1) / PAGE];
        count += pages[s].length;
      }
      var order = new ArrayList<Integer>();
      for (int p = 0; p < count; p++) {
        order.add(p);
      }
      java.util.Collections.shuffle(order, new Random(5));
      for (int s = 0, p = 0; s < keys.length; s++) {
        for (int i = 0; i < pages[s].length; i++) {
          pages[s][i] = order.get(p++);
        }
      }
      List<Tensor> k = new ArrayList<>();
      List<Tensor> v = new ArrayList<>();
      for (int p = 0; p < count; p++) {
        long width = (long) shape.kvHeads() * shape.headDim();
        DType stored = type.dtype(shape.headDim());
        k.add(stored(tensor(arena, Values.NORMAL, 100 + p, PAGE, width), stored, arena));
        v.add(stored(tensor(arena, Values.NORMAL, 10_000 + p, PAGE, width), stored, arena));
      }
      int[] firsts = new int[keys.length];
      java.util.Arrays.fill(firsts, first);
      return new KeyValues(k, v, PAGE, pages, firsts, keys);
    }

    private static Tensor stored(Tensor page, DType type, Arena arena) {
      return page.dtype().equals(type) ? page : Layouts.encode(page, type, arena);
    }

    @Override
    public String toString() {
      return shape
          + " "
          + mask
          + " furthest="
          + furthest
          + java.util.Arrays.toString(queries)
          + java.util.Arrays.toString(keys);
    }
  }

  /** Whole texts, chunks and single tokens, behind every kind of mask. */
  public static List<Masked> masked() {
    List<Masked> cases = new ArrayList<>();
    for (AttentionMask mask :
        List.of(
            AttentionMask.ALL,
            AttentionMask.CAUSAL,
            AttentionMask.causal(1),
            AttentionMask.causal(16),
            AttentionMask.causal(300),
            AttentionMask.around(8))) {
      AttentionShape shared = new AttentionShape(6, 2, 32, 0.2f);
      cases.add(new Masked(shared, mask, -1, new int[] {1, 5, 17, 207}, new int[] {1, 5, 17, 207}));
      cases.add(new Masked(shared, mask, -1, new int[] {1, 3, 97, 0}, new int[] {702, 4, 400, 9}));
      // more keys than a block of them has: the first queries see none of the last block
      cases.add(
          new Masked(
              new AttentionShape(2, 1, 32, 0.2f), mask, -1, new int[] {300}, new int[] {300}));
      cases.add(
          new Masked(
              new AttentionShape(4, 4, 13, 1, 5), mask, -1, new int[] {33}, new int[] {300}));
      cases.add(
          new Masked(
              new AttentionShape(4, 1, 64, 0.1f), mask, 20, new int[] {60, 1}, new int[] {60, 90}));
    }
    // rows of a task: more heads share their keys than it takes
    cases.add(
        new Masked(
            new AttentionShape(100, 1, 8, 0.3f),
            AttentionMask.CAUSAL,
            -1,
            new int[] {3},
            new int[] {20}));
    return cases;
  }

  /** Seeded numbers. */
  public static Tensor tensor(Arena arena, Values values, long seed, long... shape) {
    Tensor tensor = Tensor.allocate(arena, Plain.F32, shape);
    Random random = new Random(seed);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.data().set(Tensor.FLOAT, i * 4, values.next(random));
    }
    return tensor;
  }

  /** The same, some numbers of which are zero, by turns of either sign. */
  public static Tensor weight(Arena arena, Sparse c, long seed) {
    Tensor weight = weight(arena, c.linear, seed);
    Random random = new Random(seed);
    int bytes = ((Plain) weight.dtype()).bytes();
    for (long i = 0; i < weight.size(); i++) {
      if (random.nextDouble() < c.zeros) {
        MemorySegment number = weight.data().asSlice(i * bytes, bytes);
        number.fill((byte) 0);
        number.set(ValueLayout.JAVA_BYTE, bytes - 1, (byte) (i % 2 == 0 ? 0 : 0x80));
      }
    }
    return weight;
  }

  /** Seeded numbers rounded to a type; any integers where nothing is rounded to it. */
  public static Tensor weight(Arena arena, Linear c, long seed) {
    return switch (c.type) {
      case Block.Q2_K, Block.Q3_K, Block.Q4_K, Block.Q5_K, Block.Q6_K, Block.IQ4_NL ->
          blocks(arena, c, seed);
      case Plain _, Affine _, Block _ -> {
        Tensor floats = tensor(arena, c.values, seed, c.out, c.in);
        yield c.type == Plain.F32 ? floats : Layouts.encode(floats, c.type, arena);
      }
    };
  }

  /** Blocks of random bytes whose F16 numbers are the values that were asked for. */
  private static Tensor blocks(Arena arena, Linear c, long seed) {
    Block type = (Block) c.type;
    Tensor weight = Tensor.allocate(arena, type, c.out, c.in);
    Random random = new Random(seed);
    byte[] block = new byte[type.bytes()];
    for (long at = 0; at < weight.data().byteSize(); at += block.length) {
      random.nextBytes(block);
      for (int half : halves(type)) {
        short bits = Float.floatToFloat16(c.values.next(random) / 64);
        block[half] = (byte) bits;
        block[half + 1] = (byte) (bits >>> 8);
      }
      MemorySegment.copy(block, 0, weight.data(), ValueLayout.JAVA_BYTE, at, block.length);
    }
    return weight;
  }

  /** Where a block has F16 numbers. */
  private static int[] halves(Block type) {
    return switch (type) {
      case Q2_K -> new int[] {80, 82};
      case Q3_K -> new int[] {108};
      case Q4_K, Q5_K, Q4_1, Q5_1 -> new int[] {0, 2};
      case Q6_K -> new int[] {208};
      case IQ4_NL, Q8_0, Q4_0, Q5_0 -> new int[] {0};
    };
  }
}
