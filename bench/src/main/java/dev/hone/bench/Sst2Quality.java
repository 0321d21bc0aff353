package dev.hone.bench;

import dev.hone.bench.EncoderQuality.Measured;
import dev.hone.compress.Compression;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.measure.ClassFidelity;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Label;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The SST-2 classifier over test and dev, 7,607 texts; calibrated on phrases of train. */
final class Sst2Quality {
  /** Phrases of train are short: as many tokens as a few hundred sentences. */
  private static final int SAMPLES = 2000;

  private static final int PHRASES = 20_000;
  private static final int TEXTS = 7607;

  private Sst2Quality() {}

  static void measure(Path shared, int threads, int every, QualityLines lines) throws IOException {
    Path data = shared.resolve("assets/text/sst2");
    List<String> texts = texts(data, every);
    var quality =
        new EncoderQuality(shared.resolve("assets/models/minilm-sst2"), calibration(data), threads);
    List<float[]> original = quality.original(encoder -> probabilities(encoder, texts));
    double share = (double) texts.size() / TEXTS;
    record Asked(Recipe recipe, double divergence, int flips, long bytes) {}
    for (Asked asked :
        List.of(
            new Asked(QualityRecipes.encoder("int4-g32-asym", Method.RTN), 0, 0, 0),
            new Asked(QualityRecipes.encoder("int4-g32-asym", Method.GPTQ), 0.0026, 35, 0),
            new Asked(QualityRecipes.encoder("int4-g64-asym", Method.RTN), 0, 0, 0),
            new Asked(QualityRecipes.encoder("int4-g64-asym", Method.GPTQ), 0.0040, 0, 18_000_000),
            new Asked(QualityRecipes.dynamicInt8(), 0.0006, 20, 0),
            new Asked(QualityRecipes.staticInt8(false), 0, 0, 0),
            new Asked(QualityRecipes.staticInt8(true), 0.0010, 26, 0))) {
      Measured<List<float[]>> found =
          quality.compressed(asked.recipe(), encoder -> probabilities(encoder, texts));
      ClassFidelity fidelity = ClassFidelity.of(original, found.answers());
      var line = lines.line(asked.recipe().name()).figure("texts", texts.size());
      bounded(line, "meanDivergence", fidelity.meanDivergence(), asked.divergence());
      line.byLength("meanDivergence", texts, fidelity.divergences());
      bounded(line, "flips", fidelity.flips(), Math.ceil(asked.flips() * share));
      bounded(line, "fileBytes", found.fileBytes(), asked.bytes());
      line.figure("secondsToMake", found.seconds()).end();
    }
  }

  /** Half of the weights zero: what looks at texts must be nearer than magnitude. */
  static void sparse(Path shared, int threads, int every, QualityLines lines) throws IOException {
    Path data = shared.resolve("assets/text/sst2");
    List<String> texts = texts(data, every);
    var quality =
        new EncoderQuality(shared.resolve("assets/models/minilm-sst2"), calibration(data), threads);
    List<float[]> original = quality.original(encoder -> probabilities(encoder, texts));
    for (String sparsity : List.of("50%", "2:4")) {
      double magnitude = 0;
      for (Recipe recipe : QualityRecipes.sparse(sparsity)) {
        ClassFidelity fidelity =
            ClassFidelity.of(
                original,
                quality.compressed(recipe, encoder -> probabilities(encoder, texts)).answers());
        var line = lines.line(recipe.name()).figure("texts", texts.size());
        bounded(line, "meanDivergence", fidelity.meanDivergence(), magnitude);
        line.figure("flips", fidelity.flips()).end();
        magnitude = magnitude == 0 ? fidelity.meanDivergence() : magnitude;
      }
    }
  }

  private static List<String> texts(Path data, int every) {
    return EncoderQuality.every(
        every,
        Stream.of("test.tsv", "dev.tsv")
            .flatMap(file -> sentences(data.resolve(file)).stream())
            .toList());
  }

  /** Phrases of train. */
  static Compression.Texts calibration(Path data) {
    List<String> phrases = sentences(data.resolve("train.tsv")).subList(0, PHRASES);
    return new Compression.Texts(String.join("\n", phrases), SAMPLES, 128);
  }

  /** A figure with a bound, where there is one. */
  private static void bounded(QualityLines.Line line, String name, double value, double most) {
    if (most > 0) {
      line.atMost(name, value, most);
    } else {
      line.figure(name, value);
    }
  }

  private static List<String> sentences(Path file) {
    return Task.of("sst2").examples(file).stream().map(Example::text).toList();
  }

  /** [text, class], classes by name. */
  private static List<float[]> probabilities(Encoder encoder, List<String> texts) {
    return encoder.classify(texts).stream().map(Sst2Quality::row).toList();
  }

  private static float[] row(List<Label> labels) {
    List<Label> sorted = labels.stream().sorted(Comparator.comparing(Label::name)).toList();
    float[] row = new float[sorted.size()];
    for (int i = 0; i < row.length; i++) {
      row[i] = sorted.get(i).score();
    }
    return row;
  }
}
