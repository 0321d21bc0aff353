package dev.hone.compress.search;

import dev.hone.measure.Objective;
import dev.hone.measure.Statistics;
import dev.hone.measure.Timing;
import dev.hone.runtime.Engine;
import dev.hone.runtime.Operation;
import dev.hone.runtime.OperationWatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** How long every layer of two models takes, watched while both do the same work in turn. */
final class LayerTimes {
  private LayerTimes() {}

  /** By name of the weight, as a share of the time that the first model takes as a whole. */
  record Shares(Map<String, Double> original, Map<String, Double> candidate) {}

  /** What is watched of a model. */
  record Timed(Engine engine, Runnable work) {
    static Timed of(Subject<?> model, Objective objective) {
      return new Timed(model.engine(), model.work().of(objective));
    }
  }

  static Shares of(Timing.Plan plan, Timed original, Timed candidate) {
    var first = new Watch();
    var second = new Watch();
    Timing whole =
        Timing.interleaved(
                plan,
                List.of(() -> first.round(original), () -> second.round(candidate), original.work))
            .getLast();
    int rounds = whole.nanos().length;
    double nanos = whole.p50Nanos();
    return new Shares(first.shares(rounds, nanos), second.shares(rounds, nanos));
  }

  private static final class Watch implements OperationWatch {
    private final List<Map<String, Double>> rounds;
    private final int threads;
    private long nanos;

    Watch() {
      this(new ArrayList<>(), 1);
    }

    private Watch(List<Map<String, Double>> rounds, int threads) {
      this.rounds = rounds;
      this.threads = threads;
    }

    /** Its operations count with its share of the time that all threads are at work. */
    @Override
    public OperationWatch beside(int others) {
      return new Watch(rounds, others);
    }

    void round(Timed timed) {
      rounds.add(new ConcurrentHashMap<>());
      timed.engine.watched(this, timed.work);
    }

    /** Of the last rounds, those that were timed. */
    Map<String, Double> shares(int last, double whole) {
      Map<String, Double> shares = new TreeMap<>();
      List<Map<String, Double>> timed = rounds.subList(rounds.size() - last, rounds.size());
      for (String layer : timed.getFirst().keySet()) {
        double[] nanosOfRounds =
            timed.stream().mapToDouble(r -> r.getOrDefault(layer, 0.0)).toArray();
        shares.put(layer, Statistics.median(nanosOfRounds) / whole);
      }
      return shares;
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
      if (!operation.layer().isEmpty()) {
        rounds.getLast().merge(layer(operation), (double) nanos / threads, Double::sum);
      }
    }

    private static String layer(Operation operation) {
      String name = operation.layer();
      return operation.kind() == Operation.Kind.EMBEDDING
          ? name.substring(0, name.lastIndexOf('.'))
          : name;
    }
  }
}
