package dev.hone.bench;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The kernels that are timed, and at which shapes: those of a decoder of 1.1 billion weights, whose
 * weights come from memory, and those of all-MiniLM-L6-v2, whose weights a cache holds. Types and
 * numbers of rows are among those of the tests' table of cases.
 */
final class KernelTable {
  /**
   * A weight's type, and what its products make of their input.
   *
   * @param zeros in a hundred, which products leave out; 0: there are none
   */
  record Weights(DType type, Input input, int zeros) {
    Weights(DType type, Input input) {
      this(type, input, 0);
    }

    String label() {
      return type.label()
          + (input.equals(Input.FLOAT) ? "" : " " + input.label())
          + (zeros == 0 ? "" : " " + zeros + "%-zeros");
    }

    private PackedMatrix pack(Tensor weight, Kernels kernels, Arena arena) {
      return zeros == 0 ? kernels.pack(weight, input, arena) : kernels.packSparse(weight, arena);
    }
  }

  static final Weights F32 = new Weights(Plain.F32, Input.FLOAT);
  static final Weights F16 = new Weights(Plain.F16, Input.FLOAT);
  static final Weights BF16 = new Weights(Plain.BF16, Input.FLOAT);
  static final Weights BF16_BF16 = new Weights(Plain.BF16, Input.BF16);
  static final Weights INT8 = new Weights(new Affine(8, 0, true), Input.DYNAMIC_INT8);
  static final Weights Q8_0 = new Weights(Block.Q8_0, Input.BLOCK_INT8);
  static final Weights Q4_0 = new Weights(Block.Q4_0, Input.BLOCK_INT8);
  static final Weights INT4 = new Weights(new Affine(4, 32, false), Input.BLOCK_INT8);

  /** What a decoder runs. */
  static final List<Weights> BLOCKS = List.of(Q8_0, Q4_0, INT4);

  /** One token of one user, or some of several. */
  static final List<Weights> FEW_ROWS =
      List.of(
          Q8_0,
          Q4_0,
          INT4,
          INT8,
          new Weights(new Affine(8, 0, true), Input.FLOAT),
          F16,
          BF16,
          BF16_BF16,
          F32);

  /** With all their zeros, then without. */
  static final List<List<Weights>> SPARSE =
      List.of(
          List.of(F32, sparse(F32, 50), sparse(F32, 70), sparse(F32, 90)),
          List.of(F16, sparse(F16, 50)),
          List.of(BF16, sparse(BF16, 50)));

  /** Of which a prompt or a batch is multiplied. */
  static final List<Weights> MANY_ROWS = List.of(Q8_0, Q4_0, INT4, INT8, BF16_BF16, F32);

  /** Those that tiles multiply as they are. */
  static final List<Weights> TILED = List.of(INT8, BF16_BF16);

  static final int[] FEW = {4, 8, 16};

  /** Rows up to which a product is one of few rows. */
  private static final int MOST_FEW = 16;

  static final int[] MANY = {128, 512};

  /** Rows at MiniLM's shapes. */
  static final int BATCH = 256;

  /** Input and output features of a decoder's feed-forward layer. */
  static final int IN = 2048;

  static final int OUT = 5632;

  /** Of MiniLM's layers. */
  static final int[][] MINILM = {{384, 384}, {384, 1536}, {1536, 384}};

  /** Weights of a decoder: much more than any cache. */
  private static final long MODEL_BYTES = 768L << 20;

  /** Of them one run of several rows reads. */
  private static final long RUN_BYTES = 256L << 20;

  /** Operations that are timed together, at least: some tens of milliseconds. */
  private static final double TIMED = 2e9;

  private final Kernels kernels;
  private final Set<Peak> peaks;
  private final Arena arena;

  /**
   * Cases whose weights and activations live in {@code arena}.
   *
   * @param kernels that pack the weights; whatever runs a case must be of the same tier
   * @param peaks that are measured
   */
  KernelTable(Kernels kernels, Set<Peak> peaks, Arena arena) {
    this.kernels = kernels;
    this.peaks = peaks;
    this.arena = arena;
  }

  private static Weights sparse(Weights dense, int zeros) {
    return new Weights(dense.type(), dense.input(), zeros);
  }

  static String name(Weights weights, int tokens, int in, int out) {
    return weights.label() + " " + tokens + "x" + in + "x" + out;
  }

  /** Products with a decoder's weights, for every number of rows. */
  List<KernelCase> decoder(Weights weights, List<Integer> tokens) {
    Tensor numbers = random(OUT, IN);
    zero(numbers, weights.zeros());
    Tensor weight = Layouts.encode(numbers, weights.type(), arena);
    List<PackedMatrix> packed = new ArrayList<>();
    long bytes = 0;
    while (bytes < MODEL_BYTES) {
      PackedMatrix next = weights.pack(weight, kernels, arena);
      packed.add(next);
      bytes += bytes(next, weight);
    }
    return tokens.stream().map(t -> walk(weights, packed, weight, t)).toList();
  }

  private KernelCase walk(Weights weights, List<PackedMatrix> packed, Tensor weight, int tokens) {
    Tensor x = random(tokens, IN);
    Tensor y = Tensor.allocate(arena, Plain.F32, tokens, OUT);
    long each = bytes(packed.getFirst(), weight);
    long wanted = tokens == 1 ? MODEL_BYTES : tokens <= 128 ? RUN_BYTES : RUN_BYTES / 4;
    int matrices = (int) Math.min(packed.size(), (wanted + each - 1) / each);
    int[] next = {0};
    return new KernelCase(
        name(weights, tokens, IN, OUT),
        Optional.of(peak(weights, tokens)),
        2.0 * tokens * IN * OUT * matrices,
        (double) each * matrices,
        (double) weight.sizeBytes() * matrices,
        1,
        k -> {
          for (int i = 0; i < matrices; i++) {
            k.linear(x, packed.get(next[0]), null, Activation.NONE, y);
            next[0] = (next[0] + 1) % packed.size();
          }
        });
  }

  /** Products at MiniLM's shapes. */
  List<KernelCase> miniLm(Weights weights, int tokens) {
    List<KernelCase> cases = new ArrayList<>();
    for (int[] shape : MINILM) {
      int in = shape[0];
      int out = shape[1];
      Tensor x = random(tokens, in);
      Tensor y = Tensor.allocate(arena, Plain.F32, tokens, out);
      Tensor bias = random(1, out);
      Tensor weight = Layouts.encode(random(out, in), weights.type(), arena);
      PackedMatrix packed = kernels.pack(weight, weights.input(), arena);
      double work = 2.0 * tokens * in * out;
      cases.add(
          inCache(
              name(weights, tokens, in, out),
              Optional.of(peak(weights, tokens)),
              work,
              k -> k.linear(x, packed, bias, Activation.NONE, y)));
    }
    return cases;
  }

  /** MiniLM's attention over sequences of one length. */
  KernelCase attention(int sequences, int length) {
    int tokens = sequences * length;
    Tensor q = random(tokens, 384);
    Tensor k = random(tokens, 384);
    Tensor v = random(tokens, 384);
    Tensor out = Tensor.allocate(arena, Plain.F32, tokens, 384);
    int[] offsets = new int[sequences + 1];
    Arrays.setAll(offsets, s -> s * length);
    AttentionShape shape = new AttentionShape(12, 12, 32, (float) (1 / Math.sqrt(32)));
    return inCache(
        "attention " + sequences + "x" + length,
        Optional.of(Peak.F32),
        4.0 * tokens * length * 384,
        kernels -> kernels.attention(q, k, v, shape, offsets, out));
  }

  /** What goes row by row, in numbers. */
  List<KernelCase> rows(int tokens) {
    Tensor wide = random(tokens, 1536);
    Tensor x = random(tokens, 384);
    Tensor y = random(tokens, 384);
    Tensor one = random(1, 384);
    Tensor out = Tensor.allocate(arena, Plain.F32, tokens, 1536);
    Tensor narrow = Tensor.allocate(arena, Plain.F32, tokens, 384);
    Tensor table = random(1000, 384);
    int[] ids = new Random(1).ints(tokens, 0, 1000).toArray();
    double numbers = tokens * 384;
    List<KernelCase> cases = new ArrayList<>();
    for (Activation activation : new Activation[] {Activation.GELU, Activation.GELU_TANH}) {
      cases.add(
          inCache(
              activation + " " + tokens + "x1536",
              Optional.empty(),
              4 * numbers,
              k -> k.activate(wide, activation, out)));
    }
    cases.add(
        inCache(
            "norm " + tokens + "x384",
            Optional.empty(),
            numbers,
            k -> k.layerNorm(x, y, one, one, 1e-12f, narrow)));
    cases.add(
        inCache(
            "embed " + tokens + "x384",
            Optional.empty(),
            numbers,
            k -> k.embed(table, ids, true, narrow)));
    return cases;
  }

  private static KernelCase inCache(
      String name, Optional<Peak> peak, double operations, KernelCase.Body body) {
    double timed = peak.isEmpty() ? TIMED / 100 : TIMED;
    int runs = (int) Math.max(1, timed / operations);
    return new KernelCase(name, peak, operations, 0, 0, runs, body);
  }

  /**
   * What a product's operations are held against. Floats are held against floats multiplied and
   * added, also where they are multiplied otherwise.
   */
  private Peak peak(Weights weights, int tokens) {
    boolean tiled = tokens > MOST_FEW && peaks.contains(Peak.INT8_TILES);
    return switch (weights.input()) {
      case Input.Kind.FLOAT -> Peak.F32;
      case Input.Kind.BF16 ->
          Stream.of(Peak.BF16_TILES, Peak.BF16)
              .filter(peaks::contains)
              .findFirst()
              .orElse(Peak.F32);
      case Input.Kind.BLOCK_INT8 -> tiled ? Peak.BF16_TILES : Peak.INT8;
      case Input.Kind _, Input.StaticInt8 _ -> tiled ? Peak.INT8_TILES : Peak.INT8;
    };
  }

  /** What a product reads: the packed copy, or the weight itself where there is none. */
  private static long bytes(PackedMatrix packed, Tensor weight) {
    return packed.packedBytes() == 0 ? weight.sizeBytes() : packed.packedBytes();
  }

  /** So many numbers in a hundred. */
  private static void zero(Tensor numbers, int percent) {
    Random random = new Random(2);
    for (long i = 0; i < numbers.size(); i++) {
      if (random.nextInt(100) < percent) {
        numbers.data().set(Tensor.FLOAT, i * Float.BYTES, 0);
      }
    }
  }

  private Tensor random(int rows, int cols) {
    float[] values = new float[rows * cols];
    Random random = new Random(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return Tensor.copyOf(arena, values, rows, cols);
  }
}
