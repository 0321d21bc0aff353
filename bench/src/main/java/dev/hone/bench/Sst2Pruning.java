package dev.hone.bench;

import dev.hone.bench.EncoderQuality.Measured;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.prune.Importance;
import dev.hone.compress.prune.Removal;
import dev.hone.compress.prune.Remove;
import dev.hone.measure.Example;
import dev.hone.measure.Metric;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The SST-2 classifier with heads and neurons removed and nothing trained: how many of test and dev
 * it still gets right, and how much faster the longest texts of test run, in turns with the dense
 * one.
 */
final class Sst2Pruning {
  private static final Task TASK = Task.of("sst2");
  private static final int LONGEST = 256;
  private static final int ROUNDS = 7;

  private Sst2Pruning() {}

  static void measure(Path shared, int threads, int every, QualityLines lines) throws IOException {
    Path data = shared.resolve("assets/text/sst2");
    List<Example> test = examples(data, "test.tsv");
    List<Example> asked =
        EncoderQuality.every(
            every, Stream.concat(test.stream(), examples(data, "dev.tsv").stream()).toList());
    List<String> longest =
        test.stream()
            .map(Example::text)
            .sorted(Comparator.comparingInt(String::length).reversed())
            .limit(LONGEST)
            .toList();
    var quality =
        new EncoderQuality(
            shared.resolve("assets/models/minilm-sst2"), Sst2Quality.calibration(data), threads);
    double dense = quality.original(encoder -> right(encoder, asked));
    lines.line("dense").figure("texts", asked.size()).figure("accuracy", dense).end();
    record Asked(String share, Importance by, double fall, double speed) {
      /** By norms alone: what the others are held against. */
      boolean plain() {
        return by == Importance.NORM;
      }
    }
    for (Asked one :
        List.of(
            new Asked("30%", Importance.NORM, 0, 0),
            new Asked("30%", Importance.RECONSTRUCTION, 0.01, 1.3),
            new Asked("50%", Importance.NORM, 0, 0),
            new Asked("50%", Importance.RECONSTRUCTION, 0.025, 1.7))) {
      var pass =
          new Remove(
              Removal.of(one.share()),
              one.by(),
              !one.plain(),
              Remove.DAMPING,
              LayerSelection.blocks());
      Recipe recipe = Recipe.of("removed " + one.share() + " by " + one.by().label(), pass);
      record Found(double accuracy, double speed) {}
      Measured<Found> found =
          quality.compressed(
              recipe,
              encoder ->
                  new Found(
                      right(encoder, asked),
                      quality.original(original -> speed(original, encoder, longest))));
      double lost = dense - found.answers().accuracy();
      double speed = found.answers().speed();
      var line = lines.line(recipe.name()).figure("texts", asked.size());
      if (one.plain()) {
        line.figure("accuracyLost", lost).figure("speedOverDense", speed);
      } else {
        line.atMost("accuracyLost", lost, one.fall()).atLeast("speedOverDense", speed, one.speed());
      }
      line.figure("fileBytes", found.fileBytes()).figure("secondsToMake", found.seconds()).end();
    }
  }

  private static List<Example> examples(Path data, String file) {
    return TASK.examples(data.resolve(file));
  }

  /** Share of the texts whose label is found. */
  private static double right(Encoder encoder, List<Example> examples) {
    TaskScore score = TaskScore.of(TASK, encoder, examples);
    return Metric.ACCURACY.of(score.predicted(), score.expected());
  }

  /**
   * How many times as fast as another the second is: the median of rounds in which they alternate.
   */
  private static double speed(Encoder original, Encoder other, List<String> texts) {
    double[] ratios = new double[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
      double ratio = seconds(original, texts) / seconds(other, texts);
      if (round >= 0) {
        ratios[round] = ratio;
      }
    }
    Arrays.sort(ratios);
    return ratios[ROUNDS / 2];
  }

  private static double seconds(Encoder encoder, List<String> texts) {
    long start = System.nanoTime();
    encoder.classify(texts);
    return (System.nanoTime() - start) / 1e9;
  }
}
