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
    var quality = new EncoderQuality(MiniLm.published(), calibration(data), threads);
    List<float[]> original = quality.original(encoder -> encoder.embed(texts));
    double spearman = spearman(original, examples);
    lines.line("f32").figure("pairs", examples.size()).figure("spearman", spearman).end();
    for (Asked asked :
        List.of(
            Asked.freely(QualityRecipes.encoder("int4-g32-asym", Method.RTN)),
            new Asked(QualityRecipes.encoder("int4-g32-asym", Method.GPTQ), 0.989, 0.94, 0.005),
            Asked.freely(QualityRecipes.dynamicInt8()),
            Asked.freely(QualityRecipes.staticInt8(false)),
            new Asked(QualityRecipes.staticInt8(true), 0.996, 0.93, 0.002))) {
      Recipe recipe = asked.recipe();
      Measured<List<float[]>> found =
          quality.compressed(recipe, (Encoder encoder) -> encoder.embed(texts));
      Fidelity fidelity = Fidelity.of(original, found.answers());
      var line = lines.line(recipe.name()).figure("pairs", examples.size());
      double loss = spearman - spearman(found.answers(), examples);
      if (asked.bounded()) {
        line.atLeast("meanCosine", fidelity.meanCosine(), asked.mean());
        line.atLeast("leastCosine", fidelity.minCosine(), asked.least());
        line.atMost("spearmanLoss", loss, asked.loss());
      } else {
        line.figure("meanCosine", fidelity.meanCosine());
        line.figure("leastCosine", fidelity.minCosine());
        line.figure("spearmanLoss", loss);
      }
      line.byLength("meanCosine", texts, fidelity.cosines());
      line.figure("fileBytes", found.fileBytes()).figure("secondsToMake", found.seconds()).end();
    }
  }

  /** Sentences of the train set in a folder. */
  static Compression.Texts calibration(Path data) throws IOException {
    List<Example> train = Task.of("stsb").examples(data.resolve("sts-train.csv"));
    return new Compression.Texts(String.join("\n", sentences(train)), SAMPLES, 256);
  }

  /** A recipe, and how near it must stay: mean and least cosine, and what Spearman's may lose. */
  private record Asked(Recipe recipe, double mean, double least, double loss) {
    static Asked freely(Recipe recipe) {
      return new Asked(recipe, 0, 0, 0);
    }

    boolean bounded() {
      return loss > 0;
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
