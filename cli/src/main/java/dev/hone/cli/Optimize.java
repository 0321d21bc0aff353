package dev.hone.cli;

import dev.hone.compress.RecipeFile;
import dev.hone.compress.search.AnswerQuality;
import dev.hone.compress.search.DecoderSubject;
import dev.hone.compress.search.EmbeddingQuality;
import dev.hone.compress.search.EncoderSubject;
import dev.hone.compress.search.Halves;
import dev.hone.compress.search.LanguageQuality;
import dev.hone.compress.search.Optimizer;
import dev.hone.compress.search.Quality;
import dev.hone.compress.search.Subject;
import dev.hone.compress.search.TaskQuality;
import dev.hone.measure.Example;
import dev.hone.measure.Machine;
import dev.hone.measure.Objective;
import dev.hone.measure.Task;
import dev.hone.measure.Timing;
import dev.hone.measure.Units;
import dev.hone.measure.report.Report;
import dev.hone.measure.report.Sizes;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.model.format.Beside;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
          + " making it smaller, mixes them layer by layer, measures every candidate on this"
          + " machine, keeps the best whose loss is within --max-loss at the upper end of its 95%%"
          + " interval.",
      "The best so far and its report stand in their places after every candidate. Stopped, the"
          + " same command goes on behind the last one, which OUTPUT.trials.jsonl keeps; so does"
          + " one with another budget.",
      "A decoder reads windows of a text beside the original: its loss is the Kullback-Leibler"
          + " divergence of what both foretell, in nats. Its latency is that of tokens generated"
          + " one after the other, its throughput that of 8 sequences together.",
      "Writes the model to a folder that every command reads, and report.html and report.json."
    },
    footer = {
      "",
      "Examples:",
      "  hone optimize minilm",
      "  hone optimize ./my-classifier --task sst2 --data dev.tsv --max-loss 0.5%%",
      "  hone optimize model-f16.gguf --data text.txt --max-loss 0.05 --objective latency"
    })
final class Optimize implements Callable<Integer> {
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
              + " (see hone eval --help); of a decoder perplexity.")
  private String task;

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description =
          "With --task its examples to choose by, else texts, a line a text (default: Hone's own);"
              + " of a decoder one text. Without --eval one half is only reported on.")
  private Path data;

  @Option(names = "--eval", paramLabel = "FILE", description = "Examples or texts to report by.")
  private Path eval;

  @Option(
      names = {"-o", "--out", "--output"},
      paramLabel = "FOLDER",
      description = "Where the model goes (default: NAME-optimized).")
  private Path output;

  @Option(
      names = "--report",
      paramLabel = "FOLDER",
      description = "Where report.html and report.json go (default: here).")
  private Path reports = Path.of("");

  @Option(
      names = "--recipe",
      paramLabel = "FILE",
      description = "Try this recipe (YAML) instead of all that Hone knows; may be repeated.")
  private List<Path> recipes = List.of();

  @Option(
      names = "--seconds",
      defaultValue = "1",
      description =
          "Time to measure each candidate's speed on each of three workloads, and the original's in"
              + " turn with it (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--trials",
      defaultValue = "24",
      description = "Candidates at most (default: ${DEFAULT-VALUE}).")
  private int trials;

  @Option(
      names = "--time",
      defaultValue = "60",
      description = "Minutes after which no other candidate is begun (default: ${DEFAULT-VALUE}).")
  private double minutes;

  @Mixin private OptimizeDecoder decoder;

  @Option(names = "--json", description = "Print the report as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var terminal = Terminal.of(spec);
    if (seconds < 1) {
      throw new WrongInput("--seconds=" + seconds + " must be at least 1");
    }
    if (trials < 1 || !(minutes > 0)) {
      throw new WrongInput(
          "--trials=" + trials + " must be at least 1, --time=" + minutes + " above 0");
    }
    Path source = model.model().resolve(terminal);
    Path target = output == null ? Path.of(baseName() + "-optimized") : output;
    refuse(source, target);
    Head head = head(source);
    if (head instanceof Head.NextToken) {
      WrongInput.refuse(spec, "does nothing with a decoder: see --window", "--max-tokens");
      LanguageQuality quality = decoder.quality(task, data, eval);
      KernelTier tier = model.compute().tier(terminal);
      int threads = model.compute().threads();
      search(() -> DecoderSubject.load(source, tier, threads), quality, target, head);
      return 0;
    }
    WrongInput.refuse(spec, "is for decoders", OptimizeDecoder.NAMES);
    EncoderOptions options = model.options(terminal).onCut(_ -> {}); // the report counts them
    Quality<EncoderSubject> quality;
    List<String> workload;
    if (task == null) {
      Halves<String> halves = texts();
      quality =
          head instanceof Head.SequenceLabels
              ? new AnswerQuality(halves)
              : new EmbeddingQuality(halves);
      workload = halves.report();
    } else {
      Task known = Task.of(task);
      Halves<Example> halves = examples(known);
      quality = new TaskQuality(known, halves);
      workload = halves.report().stream().map(Example::text).toList();
    }
    search(() -> EncoderSubject.load(source, options, workload), quality, target, head);
    return 0;
  }

  private <S extends Subject<S>> void search(
      Supplier<S> original, Quality<S> quality, Path target, Head head) throws IOException {
    var terminal = Terminal.of(spec);
    var settings =
        new Optimizer.Settings(
            model.name(),
            maxLoss,
            objective,
            new Timing.Plan(5, 500, Duration.ofSeconds(seconds)),
            recipes.stream().map(RecipeFile::read).toList(),
            trials,
            Duration.ofMillis(Math.round(minutes * 60_000)));
    Optimizer.Result result;
    try (var bar = new Bar(terminal, "optimizing " + model.name())) {
      result =
          new Optimizer<>(original, quality, settings, bar)
              .run(target, found -> write(report(found, quality, target)));
    }
    Report report = report(result, quality, target);
    if (json) {
      terminal.out().println(report.json());
    } else {
      print(report, target, head, terminal);
    }
  }

  private void write(Report report) {
    try {
      report.write(reports);
    } catch (IOException e) {
      throw new UncheckedIOException("the report cannot be written to " + reports, e);
    }
  }

  /** What would be found out only after minutes of work. */
  private void refuse(Path source, Path target) throws IOException {
    ModelWriter.refuseForeign(target);
    if (Files.exists(target) && Files.isSameFile(source, target)) {
      throw new WrongInput(target + " is the model itself: -o must name another folder");
    }
    Beside.requireRoom(reports.resolve("report.html"));
  }

  private static Head head(Path source) {
    try (Model read = Model.load(source)) {
      return read.transformer().head();
    }
  }

  private void print(Report report, Path target, Head head, Terminal terminal) {
    var out = terminal.out();
    out.println(report.table());
    out.println();
    out.println(report.summary());
    out.println("choice: " + report.reason());
    if (report.chosen().predicted() != null) {
      out.println(
          "time:   "
              + Units.percent(report.relativeTime(report.chosen()))
              + " of the original's; foretold from its layers: "
              + Units.percent(report.chosen().predicted()));
    }
    if (!report.changed().isEmpty()) {
      out.println(
          "texts:  " + report.changed().size() + " are answered otherwise; the report lists them");
    }
    report.notes().forEach(note -> out.println("note:   " + note));
    String ask =
        switch (head) {
          case Head.NextToken _ -> "generate ";
          case Head.SequenceLabels _ -> "classify ";
          case Head.SentenceEmbedding _, Head.HiddenStates _, Head.TokenLabels _ -> "embed ";
        };
    out.println("model:  " + target + "   (try: ./hone " + ask + target + " \"some text\")");
    out.println(
        "report: " + reports.resolve("report.html") + ", " + reports.resolve("report.json"));
  }

  private Halves<String> texts() {
    if (data == null) {
      if (eval != null) {
        throw new WrongInput("--eval needs --data FILE, the texts or examples to choose by");
      }
      return Halves.ownTexts();
    }
    return eval == null
        ? Halves.drawn(lines("--data", data), data.toString())
        : new Halves<>(lines("--data", data), lines("--eval", eval), heldOut());
  }

  private Halves<Example> examples(Task known) {
    if (data == null) {
      throw new WrongInput("--task needs --data FILE with its examples");
    }
    return eval == null
        ? Halves.drawn(known.examples(data), task + ", " + data)
        : new Halves<>(known.examples(data), known.examples(eval), task + ", " + heldOut());
  }

  private String heldOut() {
    return data + " to choose by, " + eval + " to report by";
  }

  private static List<String> lines(String option, Path file) {
    return WindowOptions.text(option, file).lines().filter(l -> !l.isBlank()).toList();
  }

  private Report report(Optimizer.Result result, Quality<?> quality, Path target) {
    return new Report(
        model.name(),
        command(),
        Instant.now().toString(),
        Machine.here(model.compute().threads(), result.kernels()),
        quality.source(),
        quality.lossMeaning(),
        maxLoss,
        objective,
        result.withinBudget(),
        result.original().measured(result.workload()),
        result.candidates().stream().map(t -> t.measured(result.workload())).toList(),
        result.chosen().measured(result.workload()),
        result.reason(),
        result.chosen().report().changed(),
        Sizes.of(result.chosen().speed(), result.workload()),
        result.notes(),
        target.toString());
  }

  /** As the user typed it, quoted where a shell wants that. */
  private String command() {
    return Stream.concat(
            Stream.of("./hone"), spec.commandLine().getParseResult().originalArgs().stream())
        .map(a -> a.matches("[\\w./:=@%+-]+") ? a : "'" + a.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" "));
  }

  /** The model's name as the start of a folder's. */
  private String baseName() {
    String name = model.name();
    Path file = Path.of(name.startsWith("hf:") ? name.substring(3).split("@")[0] : name);
    return file.getFileName().toString().replaceFirst("\\.gguf$", "");
  }
}
