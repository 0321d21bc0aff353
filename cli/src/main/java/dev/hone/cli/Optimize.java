package dev.hone.cli;

import dev.hone.compress.search.EmbeddingQuality;
import dev.hone.compress.search.Optimizer;
import dev.hone.compress.search.Quality;
import dev.hone.compress.search.TaskQuality;
import dev.hone.compress.search.Trial;
import dev.hone.measure.Example;
import dev.hone.measure.Machine;
import dev.hone.measure.Objective;
import dev.hone.measure.Report;
import dev.hone.measure.Task;
import dev.hone.measure.Texts;
import dev.hone.measure.Timing;
import dev.hone.model.folder.ModelWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone optimize}: the main job. */
@Command(
    name = "optimize",
    mixinStandardHelpOptions = true,
    description = {
      "Finds the smallest and fastest version of a model that still does its job: tries each way of"
          + " making it smaller, measures every candidate on this machine, keeps the best within"
          + " --max-loss.",
      "Writes the model to a folder that every command reads, and report.html and report.json."
    },
    footer = {
      "",
      "Examples:",
      "  hone optimize minilm",
      "  hone optimize ./my-classifier --task sst2 --data dev.tsv --max-loss 0.5%%"
    })
final class Optimize implements Callable<Integer> {
  private static final int LEAST_TEXTS = 20;

  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;

  @Option(
      names = "--max-loss",
      defaultValue = "1%",
      converter = Share.class,
      description = "The budget, as a share: 1%% or 0.01 (default: ${DEFAULT-VALUE}).")
  private double maxLoss;

  @Option(
      names = "--objective",
      defaultValue = "throughput",
      description = "What is best: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Objective objective;

  @Option(
      names = "--task",
      description =
          "Measure the loss by a task instead of by the vectors: stsb, sst2, labelled, ..."
              + " (see hone eval --help).")
  private String task;

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description =
          "With --task its examples to choose by, else texts, a line a text (default: Hone's own)."
              + " Without --eval one half of them is only reported on.")
  private Path data;

  @Option(names = "--eval", paramLabel = "FILE", description = "Examples or texts to report by.")
  private Path eval;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      description = "Where the model goes (default: NAME-optimized).")
  private Path output;

  @Option(
      names = "--report",
      paramLabel = "FOLDER",
      description = "Where report.html and report.json go (default: here).")
  private Path reports = Path.of("");

  @Option(
      names = "--seconds",
      defaultValue = "2",
      description =
          "Time to measure each candidate's speed on each of three workloads (default:"
              + " ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(names = "--json", description = "Print the report as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var terminal = Terminal.of(spec);
    Path target = output == null ? Path.of(baseName() + "-optimized") : output;
    ModelWriter.refuseForeign(target);
    if (seconds < 1) {
      throw new WrongInput("--seconds=" + seconds + " must be at least 1");
    }
    var measuredOn = texts();
    var settings =
        new Optimizer.Settings(
            maxLoss, objective, new Timing.Plan(5, 500, Duration.ofSeconds(seconds)));
    Optimizer.Result result;
    var options = model.options(terminal).onCut(_ -> {});
    try (var bar = new Bar(terminal, "optimizing " + model.name())) {
      result =
          new Optimizer(
                  model.model().resolve(terminal),
                  options,
                  measuredOn.quality(),
                  measuredOn.workload(),
                  settings,
                  bar)
              .run(target);
    }
    Report report = report(result, measuredOn, options.threads());
    report.write(reports);
    if (json) {
      terminal.out().println(report.json());
    } else {
      print(report, target, terminal);
    }
    return 0;
  }

  private void print(Report report, Path target, Terminal terminal) {
    var out = terminal.out();
    out.println(report.table());
    out.println();
    out.println(report.summary());
    out.println("model:  " + target + "   (try: ./hone embed " + target + " \"some text\")");
    out.println(
        "report: " + reports.resolve("report.html") + ", " + reports.resolve("report.json"));
  }

  /** What is measured, and the texts that speed is measured on. */
  private record Measure(Quality quality, List<String> workload) {}

  private Measure texts() throws IOException {
    if (task != null) {
      if (data == null) {
        throw new WrongInput("--task needs --data FILE with its examples");
      }
      Task known = Task.of(task);
      var halves = halves(known.examples(data), eval == null ? null : known.examples(eval));
      String source = task + ", " + halves.source();
      return new Measure(
          new TaskQuality(source, known, halves.choose(), halves.report()),
          halves.report().stream().map(Example::text).toList());
    }
    var halves =
        data == null
            ? new Halves<>(
                Texts.of(Texts.Part.CHOOSE), Texts.of(Texts.Part.REPORT), "Hone's own texts")
            : halves(lines(data), eval == null ? null : lines(eval));
    return new Measure(
        new EmbeddingQuality(halves.source(), halves.choose(), halves.report()), halves.report());
  }

  /** What is chosen by and what is reported on. */
  private record Halves<T>(List<T> choose, List<T> report, String source) {}

  private <T> Halves<T> halves(List<T> given, List<T> heldOut) {
    if (heldOut != null) {
      return checked(
          new Halves<>(given, heldOut, data + " to choose by, " + eval + " to report by"));
    }
    var drawn = new ArrayList<>(given);
    Collections.shuffle(drawn, new Random(1));
    int middle = drawn.size() / 2;
    return checked(
        new Halves<>(
            drawn.subList(0, middle),
            drawn.subList(middle, drawn.size()),
            data + ", one half drawn to choose by, the other to report by"));
  }

  private static <T> Halves<T> checked(Halves<T> halves) {
    if (halves.choose().size() < LEAST_TEXTS || halves.report().size() < LEAST_TEXTS) {
      throw new WrongInput(
          halves.choose().size()
              + " texts to choose by and "
              + halves.report().size()
              + " to report by: at least "
              + LEAST_TEXTS
              + " of each are needed");
    }
    return halves;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file).stream().filter(l -> !l.isBlank()).toList();
    } catch (IOException e) {
      throw new WrongInput(file + " cannot be read: " + e);
    }
  }

  private Report report(Optimizer.Result result, Measure measuredOn, int threads) {
    return new Report(
        model.name(),
        "hone " + String.join(" ", spec.commandLine().getParseResult().originalArgs()),
        Instant.now().toString(),
        Machine.here(threads, result.kernels()),
        measuredOn.quality().source(),
        measuredOn.quality().lossMeaning(),
        maxLoss,
        objective,
        result.withinBudget(),
        result.original().measured(),
        result.candidates().stream().map(Trial::measured).toList(),
        result.chosen().measured(),
        result.reason());
  }

  /** The model's name as the start of a folder's. */
  private String baseName() {
    String name = model.name();
    Path file = Path.of(name.startsWith("hf:") ? name.substring(3).split("@")[0] : name);
    return file.getFileName().toString();
  }
}
