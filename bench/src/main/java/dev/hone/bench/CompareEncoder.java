package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.compress.Compression;
import dev.hone.compress.Recipe;
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
    var options =
        new Options("encoder", args, "--rounds", "--threads", "--only", "--stsb", "--results");
    String only = options.of("--only", "");
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
      for (Pair pair : pairs(made, texts, threads)) {
        if (pair.name().contains(only)) {
          Path hone = pair.hone().make();
          ObjectNode figures = compare(pair, hone, texts, threads, rounds);
          if (!hone.equals(published)) {
            figures.setAll(nearness(published, hone, texts, threads));
          }
          report.set(pair.name(), figures);
        }
      }
      if (only.isEmpty()) {
        Results.store("encoder", report, Path.of(options.of("--results", Results.FOLDER)));
      } else {
        System.out.println(report.toPrettyString());
      }
    } finally {
      ModelWriter.delete(made);
    }
  }

  /** Calibrated with the train set that lies beside the test set. */
  private static Path staticInt8(Path parent, Path texts, int threads) throws IOException {
    Path folder = parent.resolve("minilm-static-int8");
    Recipe recipe = QualityRecipes.staticInt8(true);
    Compression.Texts calibration = StsbQuality.calibration(texts.toAbsolutePath().getParent());
    new Compression(MiniLm.published(), "minilm", recipe, folder)
        .run(
            calibration, threads, KernelTier.select(Optional.empty()).tier(), EncoderQuality::tell);
    return folder;
  }

  /** The same model as each side runs it. */
  private record Pair(String name, Maker hone, Path onnxRuntime) {
    /** Makes a folder. */
    interface Maker {
      Path make() throws IOException;
    }
  }

  private static List<Pair> pairs(Path made, Path texts, int threads) throws IOException {
    Path f32 = MiniLm.published().resolve("model.onnx");
    return List.of(
        new Pair("f32", MiniLm::published, f32),
        new Pair("bf16BesideF32", () -> MiniLm.bf16(made), f32),
        new Pair(
            "dynamicInt8",
            () -> MiniLm.int8(Input.DYNAMIC_INT8, made),
            MiniLm.onnxRuntimeInt8(made)),
        new Pair("staticInt8BesideF32", () -> staticInt8(made, texts, threads), f32));
  }

  private static ObjectNode compare(Pair pair, Path folder, Path texts, int threads, int rounds)
      throws IOException, InterruptedException {
    var both = new BothSides("onnxRuntime", BothSides.Unit.MILLIS, rounds);
    for (int round = 1; round <= rounds; round++) {
      JsonNode hone = run("hone", folder, texts, threads);
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
