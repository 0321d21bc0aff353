package dev.hone.bench;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Affine;
import dev.hone.tensor.DType.Block;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.LongSupplier;

/**
 * Times the kernels at the shapes of all-MiniLM-L6-v2 beside what the machine can do at most.
 *
 * <pre>
 *   KernelBench [threads] [rounds] [only cases whose name contains this]
 * </pre>
 *
 * Every round times every case once, so that a machine that slows down slows them all; printed are
 * the median, the best, and the median share of the peak of multiplications that was measured right
 * before and after. One thread is timed by its processor time, which a busy machine disturbs less;
 * several by the clock.
 */
public final class KernelBench {
  /** One thing to time; {@code amount} in billions of whatever {@code unit} counts. */
  private record Case(String name, String unit, double amount, int repeats, Runnable body) {}

  private final Kernels kernels;
  private final Arena arena;
  private final List<Case> cases = new ArrayList<>();

  private KernelBench(Kernels kernels, Arena arena) {
    this.kernels = kernels;
    this.arena = arena;
  }

  public static void main(String[] args) {
    int threads = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 15;
    String only = args.length > 2 ? args[2] : "";
    KernelTier.Selection selection = KernelTier.select(Optional.empty());
    System.out.println(
        selection.tier().label() + " kernels (" + selection.reason() + "), threads=" + threads);
    selection.warnings().forEach(System.out::println);
    try (Arena arena = Arena.ofShared();
        ComputePool pool = new ComputePool(threads)) {
      KernelBench bench = new KernelBench(selection.tier().create(pool), arena);
      bench.addLimits(new MachineLimits(pool, arena));
      bench.addLinears();
      bench.addAttentions();
      bench.addRows();
      bench.cases.removeIf(c -> !c.name.startsWith("limit") && !c.name.contains(only));
      bench.time(rounds, threads == 1);
    }
  }

  private void addLimits(MachineLimits limits) {
    cases.add(new Case("limit fma", "GFLOP/s", limits.operations() / 1e9, 1, limits::multiplyAdd));
    cases.add(new Case("limit read", "GB/s", limits.bytes() / 1e9, 1, limits::read));
  }

  private void addLinears() {
    List<DType> types =
        List.of(
            Plain.F32,
            Plain.BF16,
            Plain.F16,
            new Affine(8, 0, true),
            new Affine(4, 32, false),
            Block.Q4_0);
    for (DType type : types) {
      for (int tokens : new int[] {1, 2, 4, 16, 128, 512, 4096}) {
        if (tokens == 4096 && type != Plain.F32) {
          continue;
        }
        addLinear(type, tokens, 384, 384, Activation.NONE);
        addLinear(type, tokens, 384, 1536, Activation.NONE);
        addLinear(type, tokens, 1536, 384, Activation.NONE);
      }
    }
    addLinear(Plain.F32, 512, 384, 1536, Activation.GELU);
    addLinear(Plain.F32, 512, 768, 768, Activation.NONE);
    addLinear(Plain.F32, 512, 3072, 768, Activation.NONE);
  }

  private void addLinear(DType type, int tokens, int in, int out, Activation activation) {
    Tensor x = random(tokens, in);
    Tensor y = Tensor.allocate(arena, Plain.F32, tokens, out);
    Tensor bias = random(1, out);
    PackedMatrix weight = kernels.pack(Layouts.encode(random(out, in), type, arena), arena);
    String name = type.label() + " " + tokens + "x" + in + "x" + out;
    double work = 2.0 * tokens * in * out / 1e9;
    cases.add(
        new Case(
            activation == Activation.NONE ? name : name + " " + activation,
            "GFLOP/s",
            work,
            repeats(work, 50),
            () -> kernels.linear(x, weight, bias, activation, y)));
  }

  private void addAttentions() {
    addAttention(1, 16);
    addAttention(1, 128);
    addAttention(32, 16);
    addAttention(32, 128);
    addAttention(8, 512);
  }

  private void addAttention(int sequences, int length) {
    int tokens = sequences * length;
    Tensor q = random(tokens, 384);
    Tensor k = random(tokens, 384);
    Tensor v = random(tokens, 384);
    Tensor out = Tensor.allocate(arena, Plain.F32, tokens, 384);
    int[] offsets = new int[sequences + 1];
    Arrays.setAll(offsets, s -> s * length);
    AttentionShape shape = new AttentionShape(12, 12, 32, (float) (1 / Math.sqrt(32)));
    double work = 4.0 * tokens * length * 384 / 1e9;
    cases.add(
        new Case(
            "attention " + sequences + "x" + length,
            "GFLOP/s",
            work,
            repeats(work, 10),
            () -> kernels.attention(q, k, v, shape, offsets, out)));
  }

  private void addRows() {
    for (int tokens : new int[] {16, 512}) {
      Tensor wide = random(tokens, 1536);
      Tensor x = random(tokens, 384);
      Tensor y = random(tokens, 384);
      Tensor one = random(1, 384);
      Tensor out = Tensor.allocate(arena, Plain.F32, tokens, 1536);
      Tensor narrow = Tensor.allocate(arena, Plain.F32, tokens, 384);
      double numbers = tokens * 384 / 1e9;
      int repeats = 40_000 / tokens;
      for (Activation activation : new Activation[] {Activation.GELU, Activation.GELU_TANH}) {
        cases.add(
            new Case(
                activation + " " + tokens + "x1536",
                "G/s",
                numbers * 4,
                repeats / 4,
                () -> kernels.activate(wide, activation, out)));
      }
      cases.add(
          new Case(
              "norm " + tokens + "x384",
              "G/s",
              numbers,
              repeats,
              () -> kernels.layerNorm(x, y, one, one, 1e-12f, narrow)));
      Tensor table = random(1000, 384);
      int[] ids = new Random(1).ints(tokens, 0, 1000).toArray();
      cases.add(
          new Case(
              "embed " + tokens + "x384",
              "G/s",
              numbers,
              repeats,
              () -> kernels.embed(table, ids, true, narrow)));
    }
  }

  /** As many as take some ten milliseconds at a given speed. */
  private static int repeats(double work, double perSecond) {
    return (int) Math.max(1, 0.01 * perSecond / work);
  }

  private Tensor random(int rows, int cols) {
    float[] values = new float[rows * cols];
    Random random = new Random(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return Tensor.copyOf(arena, values, rows, cols);
  }

  private void time(int rounds, boolean processorTime) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    LongSupplier clock = processorTime ? threads::getCurrentThreadCpuTime : System::nanoTime;
    Case peak = cases.getFirst();
    double[][] seconds = new double[cases.size()][rounds];
    double[][] ofPeak = new double[cases.size()][rounds];
    for (int round = -2; round < rounds; round++) { // two to warm up
      for (int c = 0; c < cases.size(); c++) {
        double before = seconds(peak, clock);
        double here = seconds(cases.get(c), clock);
        double after = seconds(peak, clock);
        if (round >= 0) {
          seconds[c][round] = here;
          ofPeak[c][round] = cases.get(c).amount / here / (peak.amount / ((before + after) / 2));
        }
      }
    }
    System.out.printf("%-28s %10s %10s%n", "", "median", "best");
    for (int c = 0; c < cases.size(); c++) {
      Case timed = cases.get(c);
      Arrays.sort(seconds[c]);
      Arrays.sort(ofPeak[c]);
      double median = seconds[c][rounds / 2];
      System.out.printf(
          "%-28s %10.1f %10.1f %-8s %9.1f us",
          timed.name,
          timed.amount / median,
          timed.amount / seconds[c][0],
          timed.unit,
          median * 1e6);
      if (timed.unit.equals(peak.unit)) {
        System.out.printf(" %5.0f %% of fma", 100 * ofPeak[c][rounds / 2]);
      }
      System.out.println();
    }
  }

  private static double seconds(Case timed, LongSupplier clock) {
    long start = clock.getAsLong();
    for (int i = 0; i < timed.repeats; i++) {
      timed.body.run();
    }
    return (clock.getAsLong() - start) / 1e9 / timed.repeats;
  }
}
