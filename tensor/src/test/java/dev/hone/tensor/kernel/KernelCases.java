package dev.hone.tensor.kernel;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

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
      for (int tokens : new int[] {1, 3, 4, 5, 6, 16, 207, 702}) {
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

  /** Seeded numbers. */
  public static Tensor tensor(Arena arena, Values values, long seed, long... shape) {
    Tensor tensor = Tensor.allocate(arena, Plain.F32, shape);
    Random random = new Random(seed);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.data().set(Tensor.FLOAT, i * 4, values.next(random));
    }
    return tensor;
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
