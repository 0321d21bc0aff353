package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.compress.Compression;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Observer;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.measure.Fidelity;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hone's encoder against ONNX Runtime's Java package on MiniLM, in f32, bf16 and int8: the two run
 * in turn, each time in a new process, and a figure is the median over the rounds of the ratio
 * within a round. Prints and stores JSON.
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
      var bf16 = new Pair("bf16 beside f32", MiniLm.bf16(made), published.resolve("model.onnx"));
      var int8 = new Pair("dynamic int8", integers, MiniLm.onnxRuntimeInt8(made));
      report.set("f32", compare(f32, texts, threads, rounds));
      var fixed =
          new Pair("static int8 beside f32", staticInt8(made, texts, threads), bf16.onnxRuntime());
      var pairs = Map.of("bf16BesideF32", bf16, "dynamicInt8", int8, "staticInt8BesideF32", fixed);
      for (String name : List.of("bf16BesideF32", "dynamicInt8", "staticInt8BesideF32")) {
        Pair pair = pairs.get(name);
        ObjectNode figures = compare(pair, texts, threads, rounds);
        figures.setAll(nearness(published, pair.hone(), texts, threads));
        report.set(name, figures);
      }
      Results.store("encoder", report, Path.of(options.of("--results", Results.FOLDER)));
    } finally {
      ModelWriter.delete(made);
    }
  }

  /** Calibrated with the train set that lies beside the test set. */
  private static Path staticInt8(Path parent, Path texts, int threads) throws IOException {
    Path folder = parent.resolve("minilm-static-int8");
    Recipe recipe = QualityRecipes.staticInt8(Method.GPTQ, Observer.Method.MSE);
    Compression.Texts calibration = StsbQuality.calibration(texts.toAbsolutePath().getParent());
    new Compression(MiniLm.published(), "minilm", recipe, folder)
        .run(
            calibration, threads, KernelTier.select(Optional.empty()).tier(), EncoderQuality::tell);
    return folder;
  }

  /** The same model as each side runs it. */
  private record Pair(String name, Path hone, Path onnxRuntime) {}

  private static ObjectNode compare(Pair pair, Path texts, int threads, int rounds)
      throws IOException, InterruptedException {
    var both = new BothSides("onnxRuntime", BothSides.Unit.MILLIS, rounds);
    for (int round = 1; round <= rounds; round++) {
      JsonNode hone = run("hone", pair.hone(), texts, threads);
      JsonNode peer = run("onnxruntime", pair.onnxRuntime(), texts, threads);
      both.add(pair.name(), hone, peer);
    }
    return both.figures();
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
      cosines.put("meanCosine", round(fidelity.meanCosine()));
      return cosines.put("leastCosine", round(fidelity.minCosine()));
    }
  }

  private static JsonNode run(String side, Path model, Path texts, int threads)
      throws IOException, InterruptedException {
    return SideProcess.java(
        EncoderRun.class, side, model.toString(), texts.toString(), Integer.toString(threads));
  }

  private static double round(double value) {
    return Math.round(value * 1e5) / 1e5;
  }
}
