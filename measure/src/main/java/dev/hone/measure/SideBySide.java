package dev.hone.measure;

import dev.hone.measure.Timing.Plan;
import dev.hone.measure.language.Divergence;
import dev.hone.measure.language.LanguageModel;
import dev.hone.measure.language.Windows;
import dev.hone.model.Head;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Probabilities;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A model beside the one it was made of, on texts that neither was made with: how well it does its
 * job, how near its answers are, and how long both take in the same rounds on this machine.
 */
public record SideBySide(List<Row> rows) {
  private static final Plan PLAN = new Plan(5, 500, Duration.ofSeconds(2));

  /** Texts that are timed. */
  private static final int TIMED = 32;

  public SideBySide {
    rows = List.copyOf(rows);
  }

  /**
   * One figure.
   *
   * @param original null where the figure is one of both models
   */
  public record Row(String what, Double original, double made) {}

  /** Two encoders, by a task's examples: its metrics. */
  public static SideBySide ofTask(
      Encoder original, Encoder made, Task task, List<Example> examples) {
    List<Row> rows = new ArrayList<>();
    Map<Metric, Estimate> before =
        TaskScore.of(task, original, examples).estimates(Bootstrap.STANDARD);
    Map<Metric, Estimate> after = TaskScore.of(task, made, examples).estimates(Bootstrap.STANDARD);
    before.forEach((m, e) -> rows.add(new Row(m.label(), e.value(), after.get(m).value())));
    rows.addAll(ofTexts(original, made, examples.stream().map(Example::text).toList()).rows);
    return new SideBySide(rows);
  }

  /** Two encoders, by texts alone: how near their answers or embeddings are. */
  public static SideBySide ofTexts(Encoder original, Encoder made, List<String> texts) {
    List<Row> rows = new ArrayList<>();
    Consumer<Encoder> ask;
    List<String> timed = texts.subList(0, Math.min(TIMED, texts.size()));
    switch (original.model().transformer().head()) {
      case Head.SequenceLabels _ -> {
        ClassFidelity fidelity =
            ClassFidelity.of(probabilities(original, texts), probabilities(made, texts));
        rows.add(new Row("divergence, mean", null, fidelity.meanDivergence()));
        rows.add(new Row("changed answers", null, fidelity.flipRate()));
        ask = encoder -> encoder.answers(timed);
      }
      case Head.TokenLabels _ -> ask = encoder -> encoder.answers(timed);
      case Head.SentenceEmbedding _, Head.HiddenStates _, Head.NextToken _ -> {
        Fidelity fidelity = Fidelity.of(original.embed(texts), made.embed(texts));
        rows.add(new Row("cosine, mean", null, fidelity.meanCosine()));
        rows.add(new Row("cosine, least", null, fidelity.minCosine()));
        ask = encoder -> encoder.embed(timed);
      }
    }
    List<Timing> timings =
        Timing.interleaved(PLAN, List.of(() -> ask.accept(original), () -> ask.accept(made)));
    rows.add(
        new Row(
            "ms for " + timed.size() + " texts",
            timings.get(0).p50Nanos() / 1e6,
            timings.get(1).p50Nanos() / 1e6));
    return new SideBySide(rows);
  }

  /** Two decoders, by windows of a text. */
  public static SideBySide ofDecoders(
      Path original, Path made, String text, Windows windows, KernelTier tier, int threads) {
    try (var pool = new ComputePool(threads);
        LanguageModel a = LanguageModel.load(original, tier, ActivationType.F32, pool);
        LanguageModel b = LanguageModel.load(made, tier, ActivationType.F32, pool)) {
      Divergence.Found found = Divergence.of(a, b, text, windows, _ -> {}).all();
      Bootstrap bootstrap = Bootstrap.STANDARD;
      return new SideBySide(
          List.of(
              new Row(
                  "perplexity",
                  found.referencePerplexity(bootstrap).value(),
                  found.perplexity(bootstrap).value()),
              new Row("divergence, mean", null, found.divergence(bootstrap).value()),
              new Row("same first choice", null, found.sameTop(bootstrap).value())));
    }
  }

  private static List<float[]> probabilities(Encoder encoder, List<String> texts) {
    return encoder.answers(texts).stream().map(rows -> Probabilities.softmax(rows[0])).toList();
  }
}
