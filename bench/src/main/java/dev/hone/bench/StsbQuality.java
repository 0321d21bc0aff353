package dev.hone.bench;

import dev.hone.bench.EncoderQuality.Measured;
import dev.hone.compress.Compression;
import dev.hone.compress.Recipe;
import dev.hone.compress.quantize.Rounding.Method;
import dev.hone.measure.Example;
import dev.hone.measure.Fidelity;
import dev.hone.measure.Metric;
import dev.hone.measure.Task;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Similarity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** MiniLM over the sentences of STS-B's test set; calibrated on sentences of train. */
final class StsbQuality {
  private static final int SAMPLES = 768;

  private StsbQuality() {}

  static void measure(Path shared, int threads, int every, QualityLines lines) throws IOException {
    Path data = shared.resolve("assets/text/stsb");
    List<Example> examples =
        EncoderQuality.every(every, Task.of("stsb").examples(data.resolve("sts-test.csv")));
    List<String> texts = sentences(examples);
    var calibration =
        new Compression.Texts(
            String.join("\n", sentences(Task.of("stsb").examples(data.resolve("sts-train.csv")))),
            SAMPLES,
            256);
    var quality = new EncoderQuality(MiniLm.published(), calibration, threads);
    List<float[]> original = quality.original(encoder -> encoder.embed(texts));
    double spearman = spearman(original, examples);
    lines.line("f32").figure("pairs", examples.size()).figure("spearman", spearman).end();
    for (Recipe recipe :
        List.of(
            QualityRecipes.encoder("int4-g32-asym", Method.RTN),
            QualityRecipes.encoder("int4-g32-asym", Method.GPTQ),
            QualityRecipes.dynamicInt8())) {
      Measured<List<float[]>> found =
          quality.compressed(recipe, (Encoder encoder) -> encoder.embed(texts));
      Fidelity fidelity = Fidelity.of(original, found.answers());
      var line = lines.line(recipe.name()).figure("pairs", examples.size());
      double loss = spearman - spearman(found.answers(), examples);
      if (recipe.name().endsWith(Method.GPTQ.label())) {
        line.atLeast("meanCosine", fidelity.meanCosine(), 0.989);
        line.atLeast("leastCosine", fidelity.minCosine(), 0.94);
        line.atMost("spearmanLoss", loss, 0.005);
      } else {
        line.figure("meanCosine", fidelity.meanCosine());
        line.figure("leastCosine", fidelity.minCosine());
        line.figure("spearmanLoss", loss);
      }
      line.figure("fileBytes", found.fileBytes()).figure("secondsToMake", found.seconds()).end();
    }
  }

  private static List<String> sentences(List<Example> examples) {
    return examples.stream().flatMap(e -> Stream.of(e.text(), e.pair())).toList();
  }

  private static double spearman(List<float[]> vectors, List<Example> examples) {
    double[] predicted =
        IntStream.range(0, examples.size())
            .mapToDouble(i -> Similarity.cosine(vectors.get(2 * i), vectors.get(2 * i + 1)))
            .toArray();
    double[] expected =
        examples.stream().mapToDouble(e -> Double.parseDouble(e.expected())).toArray();
    return Metric.SPEARMAN.of(predicted, expected);
  }
}
