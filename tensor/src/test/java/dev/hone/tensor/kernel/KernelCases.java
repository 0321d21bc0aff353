package dev.hone.tensor.kernel;

import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
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
          Block.Q4_0);

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
        int in = (size + step - 1) / step * step;
        cases.add(new Linear(type, 13, in, 35, Values.NORMAL));
        cases.add(new Linear(type, 2, 96, size, Values.MIXED));
      }
      for (int tokens : new int[] {1, 3, 4, 5, 6, 16, 207, 702}) {
        cases.add(new Linear(type, tokens, 416, 33, Values.NORMAL));
      }
      for (Values values : Values.values()) {
        boolean fits = type != Plain.F16 && !(type instanceof Block) || values != Values.HUGE;
        if (fits) {
          cases.add(new Linear(type, 7, 224, 50, values));
        }
      }
    }
    return cases;
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

  /** Seeded numbers rounded to a type. */
  public static Tensor weight(Arena arena, Linear c, long seed) {
    Tensor floats = tensor(arena, c.values, seed, c.out, c.in);
    return c.type == Plain.F32 ? floats : Layouts.encode(floats, c.type, arena);
  }
}
