package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Batch;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * How fast the first batch after loading is beside a later one, in processes of their own: MiniLM,
 * 32 texts of 128 tokens. Prints and stores JSON; asked is 0.80 of the later speed.
 */
final class CompareStart {
  private static final JsonMapper JSON = new JsonMapper();
  private static final double ASKED = 0.80;

  private CompareStart() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    var options = new Options("start", args, "--rounds", "--threads", "--batches", "--results");
    int rounds = options.number("--rounds", 5);
    int threads = options.number("--threads", 2);
    int batches = options.number("--batches", 100);
    ObjectNode report = JSON.createObjectNode();
    report.put(
        "command",
        "bench/compare start --rounds "
            + rounds
            + " --threads "
            + threads
            + " --batches "
            + batches);
    report.put("date", Instant.now().toString());
    report.set("machine", Machine.describe(threads));
    String model = MiniLm.published().toString();
    List<JsonNode> runs = new ArrayList<>();
    for (int round = 1; round <= rounds; round++) {
      JsonNode run =
          SideProcess.java(Run.class, model, Integer.toString(threads), Integer.toString(batches));
      System.err.printf(Locale.ROOT, "round %d of %d: %s%n", round, rounds, run);
      runs.add(run);
    }
    for (String name : List.of("loadMillis", "firstMillis", "laterMillis", "firstOfLaterSpeed")) {
      double[] sorted = runs.stream().mapToDouble(r -> r.get(name).asDouble()).sorted().toArray();
      report.put(name, sorted[sorted.length / 2]);
    }
    report.put("asked", ASKED);
    report.put("holds", report.get("firstOfLaterSpeed").asDouble() >= ASKED);
    report.set("runs", JSON.valueToTree(runs));
    Results.store("start", report, Path.of(options.of("--results", Results.FOLDER)));
  }

  /** One process: loads the model, runs the same batch over and over. */
  static final class Run {
    private Run() {}

    public static void main(String[] args) throws IOException {
      int threads = Integer.parseInt(args[1]);
      double[] millis = new double[Integer.parseInt(args[2])];
      Random random = new Random(1);
      Batch batch =
          Batch.of(
              IntStream.range(0, 32)
                  .mapToObj(_ -> random.ints(128, 1000, 20_000).toArray())
                  .toList());
      long start = System.nanoTime();
      try (Encoder encoder =
          Encoder.load(Path.of(args[0]), EncoderOptions.defaults().threads(threads))) {
        double load = (System.nanoTime() - start) / 1e6;
        for (int i = 0; i < millis.length; i++) {
          start = System.nanoTime();
          encoder.engine().run(batch);
          millis[i] = (System.nanoTime() - start) / 1e6;
        }
        // One batch alone is as slow as whatever else the machine does at its time.
        double[] last = Arrays.copyOfRange(millis, millis.length * 4 / 5, millis.length);
        Arrays.sort(last);
        double later = last[last.length / 2];
        ObjectNode run = JSON.createObjectNode();
        run.put("loadMillis", Math.round(load));
        run.put("firstMillis", Math.round(millis[0]));
        run.put("laterMillis", Math.round(later));
        run.put("firstOfLaterSpeed", Math.round(1000 * later / millis[0]) / 1000.0);
        System.out.println(run);
      }
    }
  }
}
