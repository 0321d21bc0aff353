package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.hub.Hub;
import dev.hone.hub.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Hone's encoder against ONNX Runtime's Java package on MiniLM in f32: the two run in turn, each
 * time in a new process, and a figure is the median over the rounds of the ratio within a round.
 * Prints and stores JSON.
 */
final class CompareEncoder {
  private static final JsonMapper JSON = new JsonMapper();

  private CompareEncoder() {}

  public static void main(String[] args) throws Exception {
    var options = new Options("encoder", args, "--rounds", "--threads", "--stsb", "--results");
    int rounds = options.number("--rounds", 3);
    int threads = options.number("--threads", 2);
    Path texts = Path.of(options.of("--stsb", "../shared/assets/text/stsb/sts-test.csv"));
    if (!Files.exists(texts)) {
      System.err.println(texts + " is missing: --stsb FILE names STS-B's test set");
      System.exit(2);
    }
    Path model = Hub.system().resolve("minilm", Progress.NONE);
    Map<String, List<double[]>> pairs = new LinkedHashMap<>();
    for (int round = 1; round <= rounds; round++) {
      JsonNode hone = run("hone", model, texts, threads);
      JsonNode peer = run("onnxruntime", model, texts, threads);
      for (String name : (Iterable<String>) hone::fieldNames) {
        pairs
            .computeIfAbsent(name, _ -> new ArrayList<>())
            .add(new double[] {hone.get(name).asDouble(), peer.get(name).asDouble()});
      }
      System.err.printf(
          Locale.ROOT, "round %d of %d: hone %s, onnxruntime %s%n", round, rounds, hone, peer);
    }
    Results.store(
        "encoder",
        report(pairs, threads, rounds),
        Path.of(options.of("--results", Results.FOLDER)));
  }

  private static ObjectNode report(Map<String, List<double[]>> pairs, int threads, int rounds) {
    ObjectNode report = JSON.createObjectNode();
    report.put("command", "bench/compare encoder --rounds " + rounds + " --threads " + threads);
    report.put("date", Instant.now().toString());
    report.set("machine", Machine.describe(threads));
    report.put("peer", "ONNX Runtime " + Machine.onnxRuntimeVersion() + ", f32");
    ObjectNode cases = report.putObject("cases");
    pairs.forEach(
        (name, values) -> {
          ObjectNode one = cases.putObject(name);
          one.put("honeMillis", round(median(values.stream().mapToDouble(v -> v[0]).toArray())));
          one.put(
              "onnxRuntimeMillis", round(median(values.stream().mapToDouble(v -> v[1]).toArray())));
          double[] ratios = values.stream().mapToDouble(v -> v[1] / v[0]).sorted().toArray();
          one.put("speedOverOnnxRuntime", round(median(ratios)));
          one.put("least", round(ratios[0]));
          one.put("most", round(ratios[ratios.length - 1]));
        });
    return report;
  }

  private static JsonNode run(String side, Path model, Path texts, int threads)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            EncoderRun.class.getName(),
            side,
            model.toString(),
            texts.toString(),
            Integer.toString(threads)));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(side + " ended with " + process.exitValue());
    }
    return JSON.readTree(output);
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    int middle = values.length / 2;
    return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  }

  private static double round(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
