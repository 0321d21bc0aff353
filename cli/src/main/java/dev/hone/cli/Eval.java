package dev.hone.cli;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
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
    description = "Measures how well a model does a task, with 95 %% bootstrap intervals.",
    footer = {"", "Example:", "  hone eval minilm --task stsb --data sts-test.csv"})
final class Eval implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(
      names = "--task",
      required = true,
      description =
          "stsb, sst2, chnsenticorp, labelled (any TSV, CSV or JSONL of texts and labels),"
              + " scored-pairs, or a YAML file that describes a task.")
  private String task;

  @Option(names = "--data", required = true, paramLabel = "FILE", description = "The examples.")
  private Path data;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    Task known = Task.of(task);
    List<Example> examples = known.examples(data);
    try (Encoder encoder = model.encoder(terminal)) {
      TaskScore score = TaskScore.of(known, encoder, examples);
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("model", model.name());
      result.put("task", task);
      result.put("examples", examples.size());
      Map<String, Estimate> intervals = new LinkedHashMap<>();
      score
          .estimates(Bootstrap.STANDARD)
          .forEach(
              (metric, estimate) -> {
                result.put(metric.label(), estimate.value());
                intervals.put(metric.label(), estimate);
              });
      result.put("intervals", intervals);
      if (json) {
        terminal.json(result);
      } else {
        intervals.forEach(
            (label, e) ->
                terminal
                    .out()
                    .println(
                        String.format(
                            Locale.ROOT,
                            "%s %.5f  [%.5f, %.5f] on %d examples",
                            label,
                            e.value(),
                            e.low(),
                            e.high(),
                            examples.size())));
      }
    }
    return 0;
  }
}
