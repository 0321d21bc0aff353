package dev.hone.cli;

import dev.hone.measure.Machine;
import dev.hone.measure.MachineLimits;
import dev.hone.measure.TextTable;
import dev.hone.measure.Timing;
import dev.hone.measure.Units;
import dev.hone.measure.language.DecoderSpeed;
import dev.hone.model.folder.Model;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Engine;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.parallel.ComputePool;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code hone bench} measures of a decoder, in the manner of llama-bench. */
final class BenchDecoder {
  /** The names of all options. */
  static final String[] NAMES = {
    "--prompt", "--generate", "--batch", CacheOption.NAME, "--activations"
  };

  @Option(
      names = {"-p", "--prompt"},
      defaultValue = "512",
      description = "Of a decoder: tokens of the prompt; 0: none (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = {"-n", "--generate"},
      defaultValue = "128",
      description = "Tokens that are added one by one; 0: none (default: ${DEFAULT-VALUE}).")
  private int generated;

  @Option(
      names = "--batch",
      defaultValue = "1",
      split = ",",
      paramLabel = "SEQUENCES",
      description = "How many sequences go on together, as 1,8 (default: ${DEFAULT-VALUE}).")
  private List<Integer> batches;

  @Mixin private CacheOption cache;

  @Option(
      names = "--activations",
      defaultValue = "INT8",
      description =
          "What products read: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). INT8 rounds"
              + " activations in blocks of 32 where weights are quantized, which is faster; only"
              + " the assembled kernels do it. BF16 rounds them to BF16 where weights are stored"
              + " so.")
  private ActivationType activations;

  /** One test, as JSON has it; the noise is the spread of a round relative to the median. */
  record Test(
      String test,
      int sequences,
      int tokens,
      double tokensPerSecond,
      double noise,
      double millis,
      int rounds,
      long cacheBytes) {

    static Test of(DecoderSpeed speed) {
      return new Test(
          speed.test(),
          speed.sequences(),
          speed.tokens(),
          speed.tokensPerSecond(),
          speed.timing().noise(),
          speed.timing().p50Nanos() / 1e6,
          speed.timing().nanos().length,
          speed.cacheBytes());
    }
  }

  /** What was measured, as JSON has it. */
  record Measurement(
      String model,
      Machine machine,
      long fileBytes,
      long memoryBytes,
      String cache,
      String activations,
      List<Test> tests) {

    TextTable table() {
      var table =
          new TextTable(List.of("test", "sequences", "tokens/s", "", "time", "cache"), "lrrlrr");
      for (Test test : tests) {
        table.row(
            test.test,
            String.valueOf(test.sequences),
            Units.rate(test.tokensPerSecond),
            "+-" + Units.percent(test.noise),
            Units.millis(test.millis),
            Units.bytes(test.cacheBytes));
      }
      return table;
    }
  }

  /** Where the time of each test goes. */
  Bench.Profiles profiles(
      Model model,
      ComputeOptions compute,
      Timing.Plan plan,
      MachineLimits limits,
      Terminal terminal) {
    KernelTier tier = compute.tier(terminal);
    try (var pool = new ComputePool(compute.threads());
        Engine engine = Engine.measured(model.transformer(), tier.create(pool), activations)) {
      return new Bench.Profiles(
          DecoderSpeed.profiles(engine, tests(), plan, limits), engine.sparseProducts());
    }
  }

  private DecoderSpeed.Tests tests() {
    return new DecoderSpeed.Tests(prompt, generated, batches, cache.type());
  }

  Measurement measure(
      String name, Model model, ComputeOptions compute, Timing.Plan plan, Terminal terminal) {
    KernelTier tier = compute.tier(terminal);
    try (var pool = new ComputePool(compute.threads())) {
      Kernels kernels = tier.create(pool);
      try (Engine engine = Engine.measured(model.transformer(), kernels, activations)) {
        List<Test> measured =
            DecoderSpeed.measure(engine, tests(), plan).stream().map(Test::of).toList();
        return new Measurement(
            name,
            Machine.here(compute.threads(), tier.label()),
            model.weightFileBytes(),
            model.sizeBytes() + engine.sizeBytes(),
            cache.type().label(),
            activations.toString(),
            measured);
      }
    }
  }
}
