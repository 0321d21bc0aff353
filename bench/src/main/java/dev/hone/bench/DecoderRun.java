package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.measure.LimitMeter;
import dev.hone.model.Batch;
import dev.hone.model.folder.Model;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Engine;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.DoubleStream;

/**
 * Hone's side of the comparison of decoders, in a process of its own: prints the median seconds of
 * every test as JSON, with the bandwidth at which memory was read in between. Tokens are random,
 * and every run begins with an empty cache; of a generation the first token, which the prompt of
 * one token answers, is not timed. Arguments: {@code FILE THREADS GENERATED SEQUENCES PROMPT...}.
 */
final class DecoderRun {
  private static final int LEAST_RUNS = 3;

  /** In which the JVM compiles what runs often, on the same cores. */
  private static final long WARM_UP_NANOS = 5_000_000_000L;

  private static final long MEASURE_NANOS = 2_000_000_000L;
  private static final int LIMIT_RUNS = 5;

  private final Engine engine;
  private final PagedCache cache;
  private final Random random = new Random(1);

  private DecoderRun(Engine engine, PagedCache cache) {
    this.engine = engine;
    this.cache = cache;
  }

  public static void main(String[] args) throws Exception {
    int threads = Integer.parseInt(args[1]);
    int generated = Integer.parseInt(args[2]);
    int sequences = Integer.parseInt(args[3]);
    Map<String, Double> figures = new LinkedHashMap<>();
    KernelTier tier = KernelTier.select(Optional.empty()).tier();
    try (Model model = Model.load(Path.of(args[0]));
        ComputePool pool = new ComputePool(threads);
        Engine engine = new Engine(model.transformer(), tier.create(pool), ActivationType.INT8);
        PagedCache cache = new PagedCache(model.transformer(), Long.MAX_VALUE);
        Arena arena = Arena.ofShared()) {
      var run = new DecoderRun(engine, cache);
      var meter = new LimitMeter(pool, arena);
      for (int i = 4; i < args.length; i++) {
        int tokens = Integer.parseInt(args[i]);
        figures.put("prompt" + tokens, run.median(() -> run.prompt(tokens)));
      }
      figures.put("generate", run.medianGeneration(generated, 1));
      double read = DoubleStream.generate(meter::readBytes).limit(LIMIT_RUNS).max().orElseThrow();
      figures.put("readGBs", read / 1e9);
      figures.put("generate" + sequences, run.medianGeneration(generated, sequences));
    }
    System.out.println(new JsonMapper().writeValueAsString(figures));
  }

  private double median(Repeated.Work work) throws Exception {
    Repeated.nanos(work, 1, WARM_UP_NANOS);
    double[] nanos = Repeated.nanos(work, LEAST_RUNS, MEASURE_NANOS);
    return nanos[nanos.length / 2] / 1e9;
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, engine.model().embeddings().word().entries()).toArray();
  }

  private void prompt(int tokens) {
    try (CachedSequence sequence = cache.open(tokens)) {
      engine.next(Batch.of(List.of(tokens(tokens))), cache.of(List.of(sequence)));
    }
  }

  /** Seconds of as many steps, each with a token of every sequence. */
  private double medianGeneration(int steps, int sequences) throws Exception {
    generate(steps, sequences); // warms up
    double[] seconds = new double[0];
    while (seconds.length < LEAST_RUNS || Arrays.stream(seconds).sum() * 1e9 < MEASURE_NANOS) {
      seconds = Arrays.copyOf(seconds, seconds.length + 1);
      seconds[seconds.length - 1] = generate(steps, sequences);
    }
    Arrays.sort(seconds);
    return seconds[seconds.length / 2];
  }

  private double generate(int steps, int sequences) {
    List<CachedSequence> opened = new ArrayList<>();
    try {
      for (int s = 0; s < sequences; s++) {
        opened.add(cache.open(steps + 1));
      }
      int[] last = step(opened, tokens(sequences));
      long start = System.nanoTime();
      for (int i = 0; i < steps; i++) {
        last = step(opened, last);
      }
      return (System.nanoTime() - start) / 1e9;
    } finally {
      opened.forEach(CachedSequence::close);
    }
  }

  /** The tokens that come next. */
  private int[] step(List<CachedSequence> sequences, int[] last) {
    Batch batch = Batch.of(Arrays.stream(last).mapToObj(token -> new int[] {token}).toList());
    float[][] logits = engine.next(batch, cache.of(sequences));
    return Arrays.stream(logits).mapToInt(DecoderRun::largest).toArray();
  }

  private static int largest(float[] logits) {
    int most = 0;
    for (int token = 1; token < logits.length; token++) {
      most = logits[token] > logits[most] ? token : most;
    }
    return most;
  }
}
