package dev.hone.cli;

import dev.hone.hub.Hub;
import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.TextTable;
import dev.hone.measure.Units;
import dev.hone.measure.language.Divergence;
import dev.hone.measure.language.LanguageModel;
import dev.hone.measure.language.Windows;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.parallel.ComputePool;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.DoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hone compare}: how near a decoder stays to a reference. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description = {
      "Measures how near decoder B stays to decoder A, token by token of a text that both read in"
          + " windows: the Kullback-Leibler divergence of B's probabilities from A's in nats, how"
          + " often both have the same first choice, and by how much the probability of the text's"
          + " token shifts (root of the mean square); with 95 %% bootstrap intervals over windows.",
      "With --cache B stores keys and values so; A's are F32.",
      "The second half are the tokens with more than half a window before them: what llama.cpp's"
          + " perplexity --kl-divergence counts."
    },
    footer = {
      "",
      "Example:",
      "  hone compare model-f16.gguf model-q8_0.gguf --data text.txt --windows 32"
    })
final class CompareModels implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "A", description = "The reference, named as any model.")
  private String reference;

  @Parameters(index = "1", paramLabel = "B", description = "The model that is held against it.")
  private String model;

  @Mixin private ComputeOptions compute;
  @Mixin private WindowOptions window;
  @Mixin private CacheOption cache;

  @Option(names = "--data", required = true, paramLabel = "FILE", description = "A text.")
  private Path data;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    Windows windows = window.windows();
    String text = WindowOptions.text("--data", data);
    Path first = Hub.system().resolve(reference, terminal.fetching());
    Path second = Hub.system().resolve(model, terminal.fetching());
    KernelTier tier = compute.tier(terminal);
    try (var pool = new ComputePool(compute.threads());
        LanguageModel a = LanguageModel.load(first, tier, window.activations(), pool);
        LanguageModel b =
            LanguageModel.load(second, tier, window.activations(), pool, cache.type());
        var bar = new Bar(terminal, "comparing")) {
      int count = windows.of(a.ids(text).length).size();
      Divergence found =
          Divergence.of(a, b, text, windows, done -> bar.step(done, count, "window"));
      if (json) {
        terminal.json(result(found, windows, count));
      } else {
        terminal.out().println(table(found));
      }
    }
    return 0;
  }

  /** Figures as JSON has them. */
  record Figures(
      int tokens,
      double divergence,
      double divergenceMedian,
      double divergence99,
      double divergenceMost,
      double sameTop,
      double shift,
      double referencePerplexity,
      double perplexity,
      Map<String, Estimate> intervals) {

    static Figures of(Divergence.Found found) {
      Map<String, Estimate> intervals = new LinkedHashMap<>();
      intervals.put("divergence", found.divergence(Bootstrap.STANDARD));
      intervals.put("sameTop", found.sameTop(Bootstrap.STANDARD));
      intervals.put("shift", found.shift(Bootstrap.STANDARD));
      intervals.put("referencePerplexity", found.referencePerplexity(Bootstrap.STANDARD));
      intervals.put("perplexity", found.perplexity(Bootstrap.STANDARD));
      return new Figures(
          found.tokens(),
          intervals.get("divergence").value(),
          found.divergence(50),
          found.divergence(99),
          found.divergence(100),
          intervals.get("sameTop").value(),
          intervals.get("shift").value(),
          intervals.get("referencePerplexity").value(),
          intervals.get("perplexity").value(),
          intervals);
    }
  }

  private Map<String, Object> result(Divergence found, Windows windows, int count) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("reference", reference);
    result.put("model", model);
    result.put("window", windows.size());
    result.put("stride", windows.stride());
    result.put("windows", count);
    result.put("all", Figures.of(found.all()));
    result.put("secondHalf", Figures.of(found.secondHalf()));
    return result;
  }

  private static TextTable table(Divergence found) {
    Figures all = Figures.of(found.all());
    Figures half = Figures.of(found.secondHalf());
    var table =
        new TextTable(List.of("", "all", "95 %", "second half", "95 %"), "lrlrl")
            .row("tokens", String.valueOf(all.tokens), "", String.valueOf(half.tokens), "");
    DoubleFunction<String> nats = n -> String.format(Locale.ROOT, "%.5f", n);
    row(table, "divergence, mean", "divergence", all, half, nats);
    table
        .row(
            "divergence, median",
            nats.apply(all.divergenceMedian),
            "",
            nats.apply(half.divergenceMedian),
            "")
        .row(
            "divergence, 99 %", nats.apply(all.divergence99), "", nats.apply(half.divergence99), "")
        .row(
            "divergence, most",
            nats.apply(all.divergenceMost),
            "",
            nats.apply(half.divergenceMost),
            "");
    row(table, "same first choice", "sameTop", all, half, Units::percent);
    row(table, "probability shift", "shift", all, half, Units::percent);
    DoubleFunction<String> perplexity = n -> String.format(Locale.ROOT, "%.3f", n);
    row(table, "perplexity of A", "referencePerplexity", all, half, perplexity);
    row(table, "perplexity of B", "perplexity", all, half, perplexity);
    return table;
  }

  private static void row(
      TextTable table,
      String label,
      String figure,
      Figures all,
      Figures half,
      DoubleFunction<String> format) {
    Estimate a = all.intervals.get(figure);
    Estimate b = half.intervals.get(figure);
    table.row(
        label,
        format.apply(a.value()),
        interval(a, format),
        format.apply(b.value()),
        interval(b, format));
  }

  private static String interval(Estimate estimate, DoubleFunction<String> format) {
    return "[" + format.apply(estimate.low()) + ", " + format.apply(estimate.high()) + "]";
  }
}
