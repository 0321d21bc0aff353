package dev.hone.bench;

import dev.hone.compress.search.EncoderSubject;
import dev.hone.compress.search.Halves;
import dev.hone.compress.search.Optimizer;
import dev.hone.compress.search.TaskQuality;
import dev.hone.compress.search.Trial;
import dev.hone.measure.Example;
import dev.hone.measure.Objective;
import dev.hone.measure.Task;
import dev.hone.measure.Timing;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.EncoderOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/**
 * The search under budgets of 0.5, 1 and 2 %: what it loses on texts that it did not choose by, and
 * its size beside the best single format's within the budget. SST-2 is chosen by phrases of train
 * and reported by dev, STS-B is chosen by dev and reported by test.
 */
final class OptimizeQuality {
  private static final int PHRASES = 8000;
  private static final int TRIALS = 40;

  private OptimizeQuality() {}

  static void measure(Path shared, int threads, int every, QualityLines lines) throws IOException {
    Task sst2 = Task.of("sst2");
    Path phrases = shared.resolve("assets/text/sst2");
    List<Example> train = sst2.examples(phrases.resolve("train.tsv"));
    search(
        "sst2",
        shared.resolve("assets/models/minilm-sst2"),
        new TaskQuality(
            sst2,
            new Halves<>(
                EncoderQuality.every(every, train.subList(0, PHRASES)),
                EncoderQuality.every(every, sst2.examples(phrases.resolve("dev.tsv"))),
                "SST-2, train to choose by, dev to report by")),
        EncoderQuality.every(every, train.subList(0, PHRASES)),
        threads,
        lines);
    Task stsb = Task.of("stsb");
    Path pairs = shared.resolve("assets/text/stsb");
    List<Example> chosenBy =
        EncoderQuality.every(every, stsb.examples(pairs.resolve("sts-dev.csv")));
    search(
        "stsb",
        MiniLm.published(),
        new TaskQuality(
            stsb,
            new Halves<>(
                chosenBy,
                EncoderQuality.every(every, stsb.examples(pairs.resolve("sts-test.csv"))),
                "STS-B, dev to choose by, test to report by")),
        chosenBy,
        threads,
        lines);
  }

  private static void search(
      String name,
      Path model,
      TaskQuality quality,
      List<Example> workload,
      int threads,
      QualityLines lines)
      throws IOException {
    EncoderOptions options = EncoderOptions.defaults().threads(threads).onCut(_ -> {});
    List<String> texts = workload.stream().map(Example::text).toList();
    Path folder = Files.createTempDirectory("hone-quality-");
    try {
      for (double maxLoss : List.of(0.005, 0.01, 0.02)) { // what one measured, the next one knows
        long start = System.nanoTime();
        Optimizer.Result result =
            new Optimizer<>(
                    () -> EncoderSubject.load(model, options, texts),
                    quality,
                    new Optimizer.Settings(
                        name,
                        maxLoss,
                        Objective.SIZE,
                        new Timing.Plan(5, 500, Duration.ofSeconds(1)),
                        List.of(),
                        TRIALS,
                        Duration.ofMinutes(20)),
                    EncoderQuality::tell)
                .run(folder.resolve("model"));
        Trial chosen = result.chosen();
        var line = lines.line("optimize " + name + " within " + maxLoss);
        line.atMost("heldOutLoss", chosen.report().loss().value(), maxLoss)
            .figure("heldOutLossUpperEnd", chosen.report().loss().high())
            .atMost("chooseLossUpperEnd", chosen.choose().loss().high(), maxLoss)
            .figure("changedAnswers", chosen.report().changed().size())
            .figure("trials", result.candidates().size());
        OptionalLong single = bestSingle(result, maxLoss);
        if (single.isPresent() && maxLoss == 0.01) {
          line.atMost("bytes", chosen.bytesOnDisk(), single.getAsLong() - 1);
        } else {
          line.figure("bytes", chosen.bytesOnDisk());
        }
        line.figure("originalBytes", result.original().bytesOnDisk());
        if (chosen.predicted() != null) {
          line.figure("timeToOriginals", timeToOriginals(chosen))
              .figure("timeForetold", chosen.predicted());
        }
        line.figure("seconds", (System.nanoTime() - start) / 1e9).end();
      }
    } finally {
      ModelWriter.delete(folder);
    }
  }

  /** Bytes of the smallest candidate in one format that keeps the budget for certain. */
  private static OptionalLong bestSingle(Optimizer.Result result, double maxLoss) {
    return result.candidates().stream()
        .filter(t -> t.assignment().isEmpty() && t.choose().loss().high() <= maxLoss)
        .mapToLong(Trial::bytesOnDisk)
        .min();
  }

  private static double timeToOriginals(Trial trial) {
    return trial.speed().many().p50Nanos() / trial.beside().many().p50Nanos();
  }
}
