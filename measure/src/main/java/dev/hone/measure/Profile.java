package dev.hone.measure;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.hone.measure.Timing.Plan;
import dev.hone.runtime.Engine;
import dev.hone.runtime.Operation;
import dev.hone.runtime.OperationWatch;
import dev.hone.tensor.kernel.Arithmetic;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where the time of a piece of work goes, and why it is not faster: every kind of operation against
 * what this machine can do at most. The figures are those of one round, the one that took the
 * median time.
 *
 * @param work what ran
 * @param tokens that it read
 * @param millis of the whole
 * @param lines the longest first; the last is what stands between operations, the watching itself
 *     (a microsecond or two for each) and the tokenizer among it
 */
public record Profile(String work, int tokens, double millis, List<Line> lines) {
  private static final String BETWEEN = "between operations";

  /** What an operation cannot be faster than. */
  public enum Bound {
    /** Bytes at the speed at which memory is read. */
    MEMORY,
    /** Operations at the peak of floats. */
    F32,
    /** Operations at the peak of floats of 16 bits. */
    BF16,
    /** Operations at the peak of integers of 8 bits. */
    INT8,
    NONE;

    private static Bound of(Arithmetic arithmetic) {
      return switch (arithmetic) {
        case F32 -> F32;
        case BF16 -> BF16;
        case INT8 -> INT8;
      };
    }

    @JsonValue
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * All operations of one kind that read weights of one type.
   *
   * @param weights empty where there are none
   * @param share of the time of the whole
   * @param bytes read and written
   * @param bound the larger of what its bytes and its operations take at least
   * @param ofLimit that least time over the time it took: above 1 where caches held what it read; 0
   *     where nothing is bound
   */
  public record Line(
      String operation,
      String weights,
      int calls,
      double millis,
      double share,
      long bytes,
      long operations,
      Bound bound,
      double ofLimit) {}

  /** Watches work until it gets no faster, then as long as the plan says. */
  public static Profile of(
      String name, int tokens, Engine engine, Plan plan, MachineLimits limits, Runnable work) {
    List<Round> rounds = new ArrayList<>();
    engine.watched(
        new Watch(rounds, 1),
        () ->
            Timing.measure(
                plan,
                () -> {
                  var round = new Round();
                  rounds.add(round);
                  long start = System.nanoTime();
                  work.run();
                  round.nanos = System.nanoTime() - start;
                }));
    List<Round> last = rounds.subList(rounds.size() / 2, rounds.size()); // the others warmed up
    List<Round> sorted = last.stream().sorted(Comparator.comparingLong(r -> r.nanos)).toList();
    return of(name, tokens, sorted.get(sorted.size() / 2), limits);
  }

  private static Profile of(String name, int tokens, Round round, MachineLimits limits) {
    List<Line> lines = new ArrayList<>();
    round.sums.forEach((key, sum) -> lines.add(line(key, sum, round.nanos, limits)));
    lines.sort(Comparator.comparingDouble(Line::millis).reversed());
    long between = round.nanos - round.sums.values().stream().mapToLong(s -> s.nanos).sum();
    lines.add(
        new Line(
            BETWEEN, "", 0, between / 1e6, (double) between / round.nanos, 0, 0, Bound.NONE, 0));
    return new Profile(name, tokens, round.nanos / 1e6, List.copyOf(lines));
  }

  private static Line line(Key key, Sum sum, long all, MachineLimits limits) {
    double reading = sum.bytes / limits.readBytesPerSecond();
    double computing = sum.operations / limits.operationsPerSecond(key.arithmetic);
    return new Line(
        key.kind.label(),
        key.weights,
        sum.calls,
        sum.nanos / 1e6,
        (double) sum.nanos / all,
        sum.bytes,
        sum.operations,
        reading > computing ? Bound.MEMORY : Bound.of(key.arithmetic),
        Math.max(reading, computing) * 1e9 / sum.nanos);
  }

  /** The lines as a table for a terminal. */
  public TextTable table() {
    var table =
        new TextTable(
            List.of(
                work + ", " + tokens + " tokens",
                "weights",
                "calls",
                "time",
                "share",
                "bytes",
                "operations",
                "of limit",
                "bound by"),
            "llrrrrrrl");
    for (Line line : lines) {
      boolean bound = line.bound != Bound.NONE;
      table.row(
          line.operation,
          line.weights,
          bound ? String.valueOf(line.calls) : "",
          Units.millis(line.millis),
          Units.percent(line.share),
          bound ? Units.bytes(line.bytes) : "",
          bound ? Units.count(line.operations) : "",
          bound ? Units.percent(line.ofLimit) : "",
          bound ? line.bound.label() : "");
    }
    return table.row("all", "", "", Units.millis(millis), Units.percent(1), "", "", "", "");
  }

  private record Key(Operation.Kind kind, String weights, Arithmetic arithmetic) {}

  private static final class Sum {
    private int calls;
    private long nanos;
    private long bytes;
    private long operations;
  }

  private static final class Round {
    private final Map<Key, Sum> sums = new LinkedHashMap<>();
    private long nanos;

    synchronized void add(Operation operation, long nanosOfIt) {
      Key key = new Key(operation.kind(), operation.weights(), operation.arithmetic());
      Sum sum = sums.computeIfAbsent(key, _ -> new Sum());
      sum.calls++;
      sum.nanos += nanosOfIt;
      sum.bytes += operation.bytes();
      sum.operations += operation.operations();
    }
  }

  /** Adds up the operations of the last round; of threads beside each other, each one's share. */
  private static final class Watch implements OperationWatch {
    private final List<Round> rounds;
    private final int threads;
    private long nanos;

    Watch(List<Round> rounds, int threads) {
      this.rounds = rounds;
      this.threads = threads;
    }

    @Override
    public OperationWatch beside(int others) {
      return new Watch(rounds, others);
    }

    @Override
    public void begin() {
      nanos = -System.nanoTime();
    }

    @Override
    public void end() {
      nanos += System.nanoTime();
    }

    @Override
    public void tell(Operation operation) {
      rounds.getLast().add(operation, nanos / threads);
    }
  }
}
