package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.measure.Fidelity;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.Input;
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
 * Hone's encoder against ONNX Runtime's Java package on MiniLM, in f32 and with dynamic int8: the
 * two run in turn, each time in a new process, and a figure is the median over the rounds of the
 * ratio within a round. Prints and stores JSON.
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
    Path made = Files.createTempDirectory("hone-encoder-");
    try {
      ObjectNode report = JSON.createObjectNode();
      report.put("command", "bench/compare encoder --rounds " + rounds + " --threads " + threads);
      report.put("date", Instant.now().toString());
      report.set("machine", Machine.describe(threads));
      report.put("peer", "ONNX Runtime " + Machine.onnxRuntimeVersion());
      Path published = MiniLm.published();
      Path integers = MiniLm.int8(Input.DYNAMIC_INT8, made);
      var f32 = new Pair("f32", published, published.resolve("model.onnx"));
      var int8 = new Pair("dynamic int8", integers, MiniLm.onnxRuntimeInt8(made));
      report.set("f32", compare(f32, texts, threads, rounds));
      ObjectNode dynamic = compare(int8, texts, threads, rounds);
      dynamic.setAll(nearness(published, integers, texts, threads));
      report.set("dynamicInt8", dynamic);
      Results.store("encoder", report, Path.of(options.of("--results", Results.FOLDER)));
    } finally {
      ModelWriter.delete(made);
    }
  }

  /** The same model as each side runs it. */
  private record Pair(String name, Path hone, Path onnxRuntime) {}

  private static ObjectNode compare(Pair pair, Path texts, int threads, int rounds)
      throws IOException, InterruptedException {
    Map<String, List<double[]>> pairs = new LinkedHashMap<>();
    for (int round = 1; round <= rounds; round++) {
      JsonNode hone = run("hone", pair.hone(), texts, threads);
      JsonNode peer = run("onnxruntime", pair.onnxRuntime(), texts, threads);
      for (String name : (Iterable<String>) hone::fieldNames) {
        pairs
            .computeIfAbsent(name, _ -> new ArrayList<>())
            .add(new double[] {hone.get(name).asDouble(), peer.get(name).asDouble()});
      }
      System.err.printf(
          Locale.ROOT,
          "%s, round %d of %d: hone %s, onnxruntime %s%n",
          pair.name(),
          round,
          rounds,
          hone,
          peer);
    }
    return cases(pairs);
  }

  private static ObjectNode cases(Map<String, List<double[]>> pairs) {
    ObjectNode cases = JSON.createObjectNode();
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
    return cases;
  }

  /** Cosines of the embeddings of STS-B's test set to those of the model as it is published. */
  private static ObjectNode nearness(Path published, Path changed, Path texts, int threads)
      throws IOException {
    List<String> sentences = EncoderCases.sentences(texts);
    EncoderOptions options = EncoderOptions.defaults().threads(threads);
    try (Encoder original = Encoder.load(published, options);
        Encoder other = Encoder.load(changed, options)) {
      Fidelity fidelity = Fidelity.of(original.embed(sentences), other.embed(sentences));
      ObjectNode cosines = JSON.createObjectNode();
      cosines.put("meanCosine", round(fidelity.meanCosine(), 1e5));
      return cosines.put("leastCosine", round(fidelity.minCosine(), 1e5));
    }
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
    return round(value, 1000);
  }

  private static double round(double value, double parts) {
    return Math.round(value * parts) / parts;
  }
}
