package dev.hone.cli;

import dev.hone.compress.Compression;
import dev.hone.compress.LayerChange;
import dev.hone.compress.Recipe;
import dev.hone.measure.Example;
import dev.hone.measure.SideBySide;
import dev.hone.measure.Task;
import dev.hone.measure.TextTable;
import dev.hone.measure.Units;
import dev.hone.measure.language.Windows;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** What every command that makes a smaller model is told, and how it tells what it made. */
final class CompressionOptions {
  /** Windows of a decoder's text that are enough to tell models apart. */
  private static final int WINDOWS = 32;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description =
          "Texts like those that the model will read: a line a text, of a decoder one long text.")
  private Path texts;

  @Option(
      names = "--samples",
      description = "Texts, or windows of a decoder, at most (default: ${DEFAULT-VALUE}).")
  private int samples = Compression.SAMPLES;

  @Option(
      names = "--window",
      description =
          "Tokens of a decoder's window, and of an encoder's text at most (default:"
              + " ${DEFAULT-VALUE}).")
  private int window = Compression.WINDOW;

  @Option(
      names = {"-o", "--out", "--output"},
      paramLabel = "PATH",
      required = true,
      description = "Where the model goes: a folder, or a file that ends in .gguf.")
  private Path target;

  @Option(
      names = "--eval",
      paramLabel = "FILE",
      description =
          "Texts to measure the result by, beside the original: other ones than it was calibrated"
              + " on.")
  private Path eval;

  @Option(
      names = "--task",
      description = "What the texts of --eval are examples of, as in hone eval.")
  private String task;

  @Option(names = "--json", description = "Print what was done as JSON.")
  private boolean json;

  boolean gguf() {
    return target.toString().endsWith(".gguf");
  }

  /**
   * Makes the model, and prints what became of it.
   *
   * @param verb what is done, as a progress bar says it
   */
  void run(Terminal terminal, String verb, ModelName model, ComputeOptions compute, Recipe recipe)
      throws IOException {
    if (task != null && eval == null) {
      throw new WrongInput("--task needs --eval FILE with its examples");
    }
    Compression.Texts read = texts();
    Path source = model.resolve(terminal);
    KernelTier tier = compute.tier(terminal);
    Optional<Supplier<SideBySide>> evaluation =
        eval == null ? Optional.empty() : Optional.of(evaluation(terminal, source, compute, tier));
    Compression.Result result;
    try (var bar = new Bar(terminal, verb + " " + model.name())) {
      result =
          new Compression(source, model.name(), recipe, target)
              .run(read, compute.threads(), tier, bar);
    }
    result.notes().forEach(terminal::warn);
    List<SideBySide.Row> measured =
        evaluation.map(measure -> measure.get().rows()).orElse(List.of());
    if (json) {
      terminal.json(json(model.name(), result, measured));
    } else {
      print(terminal, result, measured);
    }
  }

  private Compression.Texts texts() {
    if (samples < 1 || window < 2) {
      throw new WrongInput(
          "--samples=" + samples + " must be at least 1, --window=" + window + " at least 2");
    }
    return texts == null
        ? Compression.Texts.NONE
        : new Compression.Texts(WindowOptions.text("--calibration", texts), samples, window);
  }

  /** Measures the result: what that reads is read here, before the result is made. */
  private Supplier<SideBySide> evaluation(
      Terminal terminal, Path source, ComputeOptions compute, KernelTier tier) {
    boolean decoder;
    try (Model read = Model.load(source)) {
      decoder = read.transformer().head() instanceof Head.NextToken;
    }
    if (decoder && task != null) {
      throw new WrongInput("--task is an encoder's: a decoder is measured by the text itself");
    }
    if (task != null) {
      Task known = Task.of(task);
      List<Example> examples = known.examples(eval);
      return () ->
          encoders(
              terminal,
              source,
              compute,
              tier,
              (original, made) -> SideBySide.ofTask(original, made, known, examples));
    }
    String text = WindowOptions.text("--eval", eval);
    if (decoder) {
      Windows windows = new Windows(window, window, WINDOWS);
      return () -> SideBySide.ofDecoders(source, target, text, windows, tier, compute.threads());
    }
    List<String> lines = text.lines().filter(line -> !line.isBlank()).toList();
    return () ->
        encoders(
            terminal,
            source,
            compute,
            tier,
            (original, made) -> SideBySide.ofTexts(original, made, lines));
  }

  private SideBySide encoders(
      Terminal terminal,
      Path source,
      ComputeOptions compute,
      KernelTier tier,
      BiFunction<Encoder, Encoder, SideBySide> measure) {
    var options =
        EncoderOptions.defaults()
            .threads(compute.threads())
            .kernels(tier)
            .onCut(_ -> {})
            .onWarning(terminal::warn);
    try (Encoder original = Encoder.load(source, options);
        Encoder made = Encoder.load(target, options)) {
      return measure.apply(original, made);
    }
  }

  private Map<String, Object> json(
      String model, Compression.Result result, List<SideBySide.Row> measured) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", model);
    json.put("target", target.toString());
    json.put("calibrationTokens", result.tokens());
    json.put("bytesBefore", result.bytesBefore());
    json.put("bytesAfter", result.bytesAfter());
    if (!measured.isEmpty()) {
      json.put("measured", measured);
    }
    json.put("notes", result.notes());
    json.put("layers", result.changes());
    return json;
  }

  private void print(Terminal terminal, Compression.Result result, List<SideBySide.Row> measured) {
    List<LayerChange> changes = result.changes();
    terminal
        .out()
        .printf(
            "%d matrices, %s -> %s, weights' mean relative error %.4f, calibrated on %d tokens%n",
            changes.size(),
            Units.bytes(result.bytesBefore()),
            Units.bytes(result.bytesAfter()),
            changes.stream()
                .filter(c -> c.error() != null)
                .mapToDouble(LayerChange::error)
                .average()
                .orElse(0),
            result.tokens());
    Map<String, Long> types =
        changes.stream()
            .collect(Collectors.groupingBy(LayerChange::to, TreeMap::new, Collectors.counting()));
    if (types.size() > 1) {
      terminal
          .out()
          .println(
              types.entrySet().stream()
                  .map(e -> e.getValue() + " " + e.getKey())
                  .collect(Collectors.joining(", ", "types: ", "")));
    }
    String removed =
        changes.stream()
            .filter(c -> c.to().equals(LayerChange.REMOVED))
            .map(c -> c.layer().replaceFirst("(?<=\\.\\d{1,9})\\..*", ""))
            .distinct()
            .collect(Collectors.joining(", "));
    if (!removed.isEmpty()) {
      terminal.out().println("removed: " + removed);
    }
    if (changes.stream().anyMatch(c -> c.zeros() > 0.01)) {
      double weights = changes.stream().mapToDouble(LayerChange::weights).sum();
      terminal
          .out()
          .printf(
              "zeros: %s of these matrices' weights, left out of a folder's file where that makes a"
                  + " layer a fifth smaller; products leave them out where that is faster (inspect"
                  + " --memory says where)%n",
              Units.percent(
                  changes.stream().mapToDouble(c -> c.zeros() * c.weights()).sum() / weights));
    }
    if (!measured.isEmpty()) {
      var table = new TextTable(List.of("on " + eval, "original", "made"), "lrr");
      for (SideBySide.Row row : measured) {
        table.row(
            row.what(), row.original() == null ? "" : number(row.original()), number(row.made()));
      }
      terminal.out().println(table);
    }
    terminal.out().println("model: " + target);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.5f", value);
  }
}
