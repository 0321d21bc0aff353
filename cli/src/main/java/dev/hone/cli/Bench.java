package dev.hone.cli;

import dev.hone.hub.Hub;
import dev.hone.measure.KnownLimits;
import dev.hone.measure.Machine;
import dev.hone.measure.MachineLimits;
import dev.hone.measure.Profile;
import dev.hone.measure.Speed;
import dev.hone.measure.TextTable;
import dev.hone.measure.Texts;
import dev.hone.measure.Timing;
import dev.hone.measure.Units;
import dev.hone.measure.Workload;
import dev.hone.model.Head;
import dev.hone.model.folder.Model;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.SparseProducts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone bench}: how fast a model runs here. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures a model on this machine: time of a short and a long text, speed on a batch of"
          + " mixed lengths, memory.",
      "With --profile where the time of the same work goes: every kind of operation with its share"
          + " of what this machine can do at most.",
      "Of a decoder, as llama-bench does: tokens per second of a prompt (pp512) and of tokens that"
          + " are added one by one (tg128), each behind an empty cache; with --batch of several"
          + " sequences at once."
    },
    footer = {
      "",
      "Examples:",
      "  hone bench minilm --threads 2",
      "  hone bench minilm --profile",
      "  hone bench model.gguf --prompt 512 --generate 128 --batch 1,8"
    })
final class Bench implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelOptions model;
  @Mixin private BenchDecoder decoder;

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description =
          "Texts to measure on, a line a text; - is standard input (default: Hone's own).")
  private String data;

  @Option(
      names = "--seconds",
      defaultValue = "3",
      description = "Time for each measurement, at least (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--profile",
      description = "Print where the time goes, and what bounds each kind of operation.")
  private boolean profile;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /** What was measured, as JSON has it. */
  record Measurement(
      String model,
      Machine machine,
      int shortTokens,
      double shortMillis,
      double shortMillisP95,
      int longTokens,
      double longMillis,
      double longMillisP95,
      int batchTexts,
      int batchTokens,
      double textsPerSecond,
      double tokensPerSecond,
      double noise,
      long fileBytes,
      long memoryBytes) {}

  /**
   * Where time goes, as JSON has it.
   *
   * @param limits what this machine can do at most, as it was measured once
   */
  record Profiled(
      String model,
      Machine machine,
      MachineLimits limits,
      List<Profile> profiles,
      List<SparseProducts> sparseProducts) {}

  /** Where time goes, and what was measured of layers with many zeros. */
  record Profiles(List<Profile> profiles, List<SparseProducts> sparseProducts) {}

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    if (seconds < 1) {
      throw new WrongInput("--seconds=" + seconds + " must be at least 1");
    }
    var plan = new Timing.Plan(5, 500, Duration.ofSeconds(seconds));
    try (Model loaded = Model.load(model.model().resolve(terminal))) {
      if (loaded.transformer().head() instanceof Head.NextToken) {
        WrongInput.refuse(
            spec, "does nothing with a decoder: its tokens are random", "--data", "--max-tokens");
        if (profile) {
          MachineLimits limits = limits(terminal);
          String kernels = model.compute().tier(terminal).label();
          print(kernels, limits, decoder.profiles(loaded, model.compute(), plan, limits, terminal));
          return 0;
        }
        BenchDecoder.Measurement measured =
            decoder.measure(model.name(), loaded, model.compute(), plan, terminal);
        if (json) {
          terminal.json(measured);
        } else {
          terminal.out().println(measured.table());
        }
        return 0;
      }
    }
    WrongInput.refuse(spec, "is for decoders", BenchDecoder.NAMES);
    List<String> texts = data == null ? Texts.of(Texts.Part.REPORT) : TextOptions.lines(data);
    try (Encoder encoder = model.encoder(terminal)) {
      Workload.OfTexts workload = Workload.of(texts, encoder::tokens, 1);
      if (profile) {
        MachineLimits limits = limits(terminal);
        print(encoder.kernels(), limits, profiles(encoder, workload, plan, limits));
        return 0;
      }
      Speed speed = Speed.measure(plan, workload.by(encoder::answers));
      Measurement measured =
          measurement(encoder, workload, speed, model.options(terminal).threads());
      if (json) {
        terminal.json(measured);
      } else {
        terminal.out().println(table(measured));
      }
    }
    return 0;
  }

  private MachineLimits limits(Terminal terminal) {
    int threads = model.compute().threads();
    KnownLimits known = KnownLimits.in(Hub.system().cache());
    if (known.find(MachineLimits.Key.here(threads)).isEmpty()) {
      terminal.note("measuring what this machine can do at most; remembered in " + known.file());
    }
    return known.findOrMeasure(threads);
  }

  private static Profiles profiles(
      Encoder encoder, Workload.OfTexts workload, Timing.Plan plan, MachineLimits limits) {
    var samples = new LinkedHashMap<String, Workload.Sample>();
    samples.put("short text", workload.shortText());
    samples.put("long text", workload.longText());
    samples.put(workload.batch().texts().size() + " texts", workload.batch());
    List<Profile> profiles = new ArrayList<>();
    samples.forEach(
        (name, sample) ->
            profiles.add(
                Profile.of(
                    name,
                    sample.tokens(),
                    encoder.engine(),
                    plan,
                    limits,
                    () -> encoder.answers(sample.texts()))));
    return new Profiles(profiles, encoder.engine().sparseProducts());
  }

  private void print(String kernels, MachineLimits limits, Profiles measured) {
    var terminal = Terminal.of(spec);
    if (json) {
      Machine machine = Machine.here(limits.threads(), kernels);
      terminal.json(
          new Profiled(
              model.name(), machine, limits, measured.profiles(), measured.sparseProducts()));
      return;
    }
    for (Profile one : measured.profiles()) {
      terminal.out().println(one.table());
      terminal.out().println();
    }
    measured.sparseProducts().forEach(products -> terminal.out().println(products.text()));
    terminal.out().println("limits: " + limits.text());
  }

  private Measurement measurement(
      Encoder encoder, Workload.OfTexts workload, Speed speed, int threads) {
    return new Measurement(
        model.name(),
        Machine.here(threads, encoder.kernels()),
        workload.shortText().tokens(),
        speed.one().p50Nanos() / 1e6,
        speed.one().p95Nanos() / 1e6,
        workload.longText().tokens(),
        speed.large().p50Nanos() / 1e6,
        speed.large().p95Nanos() / 1e6,
        workload.batch().texts().size(),
        workload.batch().tokens(),
        workload.textsPerSecond(speed),
        workload.tokensPerSecond(speed),
        speed.many().noise(),
        encoder.model().weightFileBytes(),
        encoder.sizeBytes());
  }

  private static TextTable table(Measurement m) {
    return new TextTable(List.of("", "tokens", "p50", "p95", ""), "lrrrl")
        .row(
            "short text",
            String.valueOf(m.shortTokens()),
            Units.millis(m.shortMillis()),
            Units.millis(m.shortMillisP95()),
            "")
        .row(
            "long text",
            String.valueOf(m.longTokens()),
            Units.millis(m.longMillis()),
            Units.millis(m.longMillisP95()),
            "")
        .row(
            m.batchTexts() + " texts",
            String.valueOf(m.batchTokens()),
            Units.millis(1000 * m.batchTexts() / m.textsPerSecond()),
            "",
            Units.rate(m.textsPerSecond())
                + " texts/s, "
                + Units.rate(m.tokensPerSecond())
                + " tokens/s, +-"
                + Units.percent(m.noise()))
        .row(
            "memory",
            "",
            Units.bytes(m.memoryBytes()),
            "",
            "of which files " + Units.bytes(m.fileBytes()));
  }
}
