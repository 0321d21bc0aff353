package dev.hone.cli;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.measure.TaskException;
import dev.hone.measure.TaskScore;
import dev.hone.measure.language.LanguageModel;
import dev.hone.measure.language.Perplexity;
import dev.hone.measure.language.Windows;
import dev.hone.runtime.Encoder;
import dev.hone.tensor.parallel.ComputePool;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone eval}: how well a model does a task. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description = {
      "Measures how well a model does a task, with 95 %% bootstrap intervals.",
      "The task perplexity is a decoder's: how surprised it is by the tokens of a text, read in"
          + " windows; also of those tokens alone that have more than half a window before them."
    },
    footer = {
      "",
      "Examples:",
      "  hone eval minilm --task stsb --data sts-test.csv",
      "  hone eval model.gguf --task perplexity --data text.txt --window 512 --windows 32"
    })
final class Eval implements Callable<Integer> {
  private static final String PERPLEXITY = "perplexity";

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private WindowOptions window;
  @Mixin private CacheOption cache;

  @Option(
      names = "--task",
      required = true,
      description =
          "stsb, sst2, chnsenticorp, labelled (any TSV, CSV or JSONL of texts and labels),"
              + " scored-pairs, a YAML file that describes a task, or perplexity.")
  private String task;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "The examples; for perplexity a text.")
  private Path data;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    if (task.equals(PERPLEXITY)) {
      WrongInput.refuse(spec, "does nothing with perplexity: see --window", "--max-tokens");
      perplexity(terminal);
    } else {
      WrongInput.refuse(spec, "belongs to --task perplexity", WindowOptions.NAMES);
      WrongInput.refuse(spec, "belongs to --task perplexity", CacheOption.NAME);
      score(terminal);
    }
    return 0;
  }

  private void score(Terminal terminal) {
    Task known = known();
    List<Example> examples = known.examples(data);
    try (Encoder encoder = model.encoder(terminal)) {
      TaskScore score = TaskScore.of(known, encoder, examples);
      Map<String, Object> result = begin();
      result.put("examples", examples.size());
      Map<String, Estimate> intervals = new LinkedHashMap<>();
      score
          .estimates(Bootstrap.STANDARD)
          .forEach((metric, estimate) -> intervals.put(metric.label(), estimate));
      print(result, intervals, "on " + examples.size() + " examples", terminal);
    }
  }

  private Task known() {
    try {
      return Task.of(task);
    } catch (TaskException e) {
      throw new WrongInput(e.getMessage() + "; of a decoder, " + PERPLEXITY);
    }
  }

  private void perplexity(Terminal terminal) {
    Windows windows = window.windows();
    String text = WindowOptions.text("--data", data);
    try (var pool = new ComputePool(model.compute().threads());
        LanguageModel loaded =
            LanguageModel.load(
                model.model().resolve(terminal),
                model.compute().tier(terminal),
                window.activations(),
                pool,
                cache.type());
        var bar = new Bar(terminal, "perplexity")) {
      int[] ids = loaded.ids(text);
      int count = windows.of(ids.length).size();
      var found = Perplexity.of(loaded, ids, windows, done -> bar.step(done, count, "window"));
      Map<String, Object> result = begin();
      result.put("window", windows.size());
      result.put("stride", windows.stride());
      result.put("windows", count);
      result.put("tokens", found.all().tokens());
      Map<String, Estimate> intervals = new LinkedHashMap<>();
      intervals.put(PERPLEXITY, Perplexity.estimate(found.all(), Bootstrap.STANDARD));
      intervals.put(
          "perplexitySecondHalf", Perplexity.estimate(found.secondHalf(), Bootstrap.STANDARD));
      print(
          result, intervals, "on " + count + " windows of " + windows.size() + " tokens", terminal);
    }
  }

  private Map<String, Object> begin() {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("model", model.name());
    result.put("task", task);
    return result;
  }

  private void print(
      Map<String, Object> result, Map<String, Estimate> intervals, String on, Terminal terminal) {
    if (json) {
      intervals.forEach((label, estimate) -> result.put(label, estimate.value()));
      result.put("intervals", intervals);
      terminal.json(result);
      return;
    }
    intervals.forEach(
        (label, e) ->
            terminal
                .out()
                .println(
                    String.format(
                        Locale.ROOT,
                        "%s %.5f  [%.5f, %.5f] %s",
                        label,
                        e.value(),
                        e.low(),
                        e.high(),
                        on)));
  }
}
