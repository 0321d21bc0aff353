package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.hone.model.Batch;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One side of the comparison, in a process of its own: prints the median milliseconds of every case
 * as JSON. Arguments: {@code hone FOLDER|onnxruntime FILE STSB_FILE THREADS}.
 */
final class EncoderRun {
  private static final long WARM_UP_NANOS = 4_000_000_000L;
  private static final long MEASURE_NANOS = 3_000_000_000L;
  private static final int LEAST_RUNS = 5;

  private EncoderRun() {}

  /** Runs one batch of token ids. */
  interface Side {
    void run(List<int[]> batch) throws Exception;
  }

  public static void main(String[] args) throws Exception {
    Path model = Path.of(args[1]);
    int threads = Integer.parseInt(args[3]);
    Map<String, List<List<int[]>>> cases;
    try (Tokenizer tokenizer = Tokenizer.load(MiniLm.published())) {
      cases = EncoderCases.of(tokenizer, Path.of(args[2]));
    }
    var medians = new LinkedHashMap<String, Double>();
    switch (args[0]) {
      case "hone" -> {
        try (Encoder encoder = Encoder.load(model, EncoderOptions.defaults().threads(threads))) {
          measure(cases, batch -> encoder.engine().run(Batch.of(batch)), medians);
        }
      }
      case "onnxruntime" -> {
        try (var session = new OnnxRuntimeEncoder(model, threads)) {
          measure(cases, session::run, medians);
        }
      }
      default -> throw new IllegalArgumentException("no such side: " + args[0]);
    }
    System.out.println(new JsonMapper().writeValueAsString(medians));
  }

  private static void measure(
      Map<String, List<List<int[]>>> cases, Side side, Map<String, Double> medians)
      throws Exception {
    for (var entry : cases.entrySet()) {
      repeat(entry.getValue(), side, WARM_UP_NANOS);
    }
    for (var entry : cases.entrySet()) {
      double[] nanos = repeat(entry.getValue(), side, MEASURE_NANOS);
      medians.put(entry.getKey(), nanos[nanos.length / 2] / 1e6);
    }
  }

  /** Nanoseconds of runs over all batches, sorted. */
  private static double[] repeat(List<List<int[]>> batches, Side side, long budgetNanos)
      throws Exception {
    return Repeated.nanos(
        () -> {
          for (List<int[]> batch : batches) {
            side.run(batch);
          }
        },
        LEAST_RUNS,
        budgetNanos);
  }
}
