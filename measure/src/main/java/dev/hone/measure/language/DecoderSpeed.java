package dev.hone.measure.language;

import dev.hone.measure.MachineLimits;
import dev.hone.measure.Profile;
import dev.hone.measure.Speed;
import dev.hone.measure.TaskException;
import dev.hone.measure.Timing;
import dev.hone.measure.Timing.Plan;
import dev.hone.measure.Workload;
import dev.hone.model.Batch;
import dev.hone.runtime.Engine;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.KeyValueType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;

/**
 * How fast a decoder reads prompts and goes on with them, measured as llama.cpp's llama-bench does:
 * tokens are random, nothing is sampled, and each round begins with an empty cache.
 *
 * @param test {@code pp512}: a prompt of 512 tokens; {@code tg128}: 128 tokens one after the other
 * @param sequences that go on together, a token each in every step
 * @param tokens of each
 * @param cacheBytes of keys and values at the end
 */
public record DecoderSpeed(String test, int sequences, int tokens, long cacheBytes, Timing timing) {
  /** Tokens of a prompt that are read at once, as llama-bench's {@code -ub}. */
  private static final int CHUNK = 512;

  /**
   * What to measure.
   *
   * @param prompt tokens of a prompt; 0: none is read
   * @param generated tokens that are added one after the other; 0: none
   * @param batches numbers of sequences that go on together
   * @param cache what keys and values are stored in
   */
  public record Tests(int prompt, int generated, List<Integer> batches, KeyValueType cache) {
    public Tests {
      batches = List.copyOf(batches);
      if (prompt < 0 || generated < 0 || prompt + generated == 0) {
        throw new TaskException(
            "prompt="
                + prompt
                + ", generated="
                + generated
                + " tokens: neither is below 0, and one is above");
      }
      if (batches.isEmpty() || batches.stream().anyMatch(b -> b < 1)) {
        throw new TaskException("batches=" + batches + ": at least one sequence goes on");
      }
    }
  }

  /** Measures one test after the other. */
  public static List<DecoderSpeed> measure(Engine engine, Tests tests, Plan plan) {
    check(engine, tests);
    return readings(tests).stream()
        .map(
            r ->
                run(
                    engine,
                    r,
                    (work, cache) -> {
                      Timing timing = Timing.measure(plan, work);
                      long bytes = cache.sizeBytes();
                      return new DecoderSpeed(r.name(), r.sequences, r.tokens, bytes, timing);
                    }))
        .toList();
  }

  /** Where the time of one test after the other goes. */
  public static List<Profile> profiles(
      Engine engine, Tests tests, Plan plan, MachineLimits limits) {
    check(engine, tests);
    return readings(tests).stream()
        .map(
            r ->
                run(
                    engine,
                    r,
                    (work, _) -> {
                      String name =
                          r.sequences == 1
                              ? r.name()
                              : r.name() + " of " + r.sequences + " sequences";
                      int tokens = r.sequences * r.tokens;
                      return Profile.of(name, tokens, engine, plan, limits, work);
                    }))
        .toList();
  }

  private static void check(Engine engine, Tests tests) {
    int most = engine.model().embeddings().maxTokens();
    if (Math.max(tests.prompt, tests.generated) > most) {
      throw new TaskException(
          "the model reads at most "
              + most
              + " tokens: prompt="
              + tests.prompt
              + ", generated="
              + tests.generated);
    }
  }

  /** What one test does. */
  private record Reading(Tests tests, String kind, int sequences, int tokens, int chunk) {
    String name() {
      return kind + tokens;
    }
  }

  private static List<Reading> readings(Tests tests) {
    var readings = new ArrayList<Reading>();
    if (tests.prompt > 0) {
      readings.add(new Reading(tests, "pp", 1, tests.prompt, CHUNK));
    }
    if (tests.generated > 0) {
      for (int sequences : tests.batches) {
        readings.add(new Reading(tests, "tg", sequences, tests.generated, 1));
      }
    }
    return readings;
  }

  /** Runs a test's work over and over, as {@code measured} likes. */
  private static <R> R run(
      Engine engine, Reading reading, BiFunction<Runnable, PagedCache, R> measured) {
    int[] ids = ids(engine, reading.tokens);
    try (var cache = new PagedCache(engine.model(), reading.tests.cache, Long.MAX_VALUE)) {
      return measured.apply(
          () -> read(engine, cache, ids, reading.sequences, reading.chunk), cache);
    }
  }

  /**
   * What a model does of a workload.
   *
   * @param cache of the model, empty each time
   */
  public static Speed.Work work(Engine engine, PagedCache cache, Workload.OfTokens workload) {
    int[] ids = ids(engine, Math.max(workload.prompt(), workload.generated()));
    int[] generated = Arrays.copyOf(ids, workload.generated());
    int[] prompt = Arrays.copyOf(ids, workload.prompt());
    return new Speed.Work(
        () -> read(engine, cache, generated, 1, 1),
        () -> read(engine, cache, prompt, 1, CHUNK),
        () -> read(engine, cache, generated, workload.sequences(), 1));
  }

  private static int[] ids(Engine engine, int tokens) {
    int entries = engine.model().embeddings().word().entries();
    return new Random(1).ints(tokens, 0, entries).toArray();
  }

  /** Reads the same tokens for every sequence, some of each at once. */
  private static void read(Engine engine, PagedCache cache, int[] ids, int sequences, int chunk) {
    List<CachedSequence> opened = new ArrayList<>();
    for (int s = 0; s < sequences; s++) {
      opened.add(cache.open(ids.length));
    }
    for (int from = 0; from < ids.length; from += chunk) {
      int[] part = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + chunk));
      Batch batch = Batch.of(opened.stream().map(_ -> part).toList());
      engine.next(batch, cache.of(opened));
    }
    opened.forEach(CachedSequence::close);
  }

  /** Of all sequences together. */
  public double tokensPerSecond() {
    return (double) sequences * tokens * 1e9 / timing.p50Nanos();
  }
}
