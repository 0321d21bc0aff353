package dev.hone.cli;

import dev.hone.hub.Hub;
import dev.hone.measure.KnownLimits;
import dev.hone.measure.Machine;
import dev.hone.measure.MachineLimits;
import dev.hone.measure.Units;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.KernelTier.Selection;
import dev.hone.tensor.kernel.Processor;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone doctor}: what this machine has, and what of it Hone uses. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Says what this machine has, which kernels run on it and why, and what is missing.",
    footer = {"", "Example:", "  hone doctor --measure"})
final class Doctor implements Callable<Integer> {
  /** Features that kernels ask for, of x86-64 and of AArch64, narrowest first. */
  private static final List<String> FEATURES =
      List.of(
          "sse4_2",
          "avx",
          "avx2",
          "fma",
          "f16c",
          "avx_vnni",
          "avx512f",
          "avx512bw",
          "avx512vl",
          "avx512_vnni",
          "avx512_bf16",
          "avx512_fp16",
          "amx_tile",
          "amx_bf16",
          "amx_int8",
          "asimd",
          "asimdhp",
          "asimddp",
          "i8mm",
          "bf16",
          "sve",
          "sve2");

  @Spec private CommandSpec spec;

  @Option(
      names = "--measure",
      description =
          "Measure what this machine can do at most (memory read, f32 and int8 operations) on one"
              + " thread and on all, and remember it: a few seconds.")
  private boolean measure;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /**
   * What was found.
   *
   * @param processorVectorBits widest vectors of the processor; 0 where it does not say
   * @param missing what makes Hone slower here than this processor allows
   * @param limits what this machine can do at most, on one thread and on all; empty where it was
   *     never measured
   */
  record Findings(
      Machine machine,
      List<String> features,
      int processorVectorBits,
      String kernels,
      String reason,
      List<String> missing,
      List<MachineLimits> limits,
      String cache,
      String huggingFaceCache) {}

  @Override
  public Integer call() {
    var terminal = new Terminal(spec.commandLine().getOut(), spec.commandLine().getErr());
    Findings found = examine();
    if (json) {
      terminal.json(found);
    } else {
      print(found, terminal);
    }
    return 0;
  }

  private Findings examine() {
    Processor processor = Processor.here();
    Selection selection = KernelTier.select(Optional.empty());
    String kernels = selection.tier().label();
    Hub hub = Hub.system();
    int threads = EncoderOptions.defaults().threads();
    return new Findings(
        Machine.here(threads, kernels),
        FEATURES.stream().filter(processor.features()::contains).toList(),
        processor.vectorBits(),
        kernels,
        selection.reason(),
        selection.warnings(),
        limits(KnownLimits.in(hub.cache()), IntStream.of(1, threads).distinct().boxed().toList()),
        hub.cache().toString(),
        hub.huggingFaceCache().toString());
  }

  private List<MachineLimits> limits(KnownLimits known, List<Integer> threads) {
    if (measure) {
      List<MachineLimits> measured = threads.stream().map(MachineLimits::measure).toList();
      known.remember(measured);
      return measured;
    }
    return threads.stream().flatMap(t -> known.find(MachineLimits.Key.here(t)).stream()).toList();
  }

  private static void print(Findings found, Terminal terminal) {
    Machine machine = found.machine();
    line(terminal, "processor", machine.cpu());
    line(terminal, "features", unknownIfEmpty(String.join(" ", found.features())));
    line(terminal, "vectors", unknownIfEmpty(bits(found.processorVectorBits())));
    line(terminal, "cores", machine.cores() + ", " + machine.threads() + " threads compute");
    line(
        terminal,
        "memory",
        machine.memoryBytes() == 0 ? "unknown" : Units.bytes(machine.memoryBytes()));
    line(terminal, "system", machine.os());
    line(terminal, "java", machine.jdk());
    line(terminal, "kernels", found.kernels() + ": " + found.reason());
    line(
        terminal,
        "missing",
        found.missing().isEmpty() ? "nothing" : String.join("\n           ", found.missing()));
    line(terminal, "limits", limits(found.limits()));
    line(terminal, "models", found.cache());
    line(terminal, "", found.huggingFaceCache());
  }

  private static void line(Terminal terminal, String name, String value) {
    terminal.out().printf("%-10s %s%n", name, value);
  }

  private static String limits(List<MachineLimits> limits) {
    return limits.isEmpty()
        ? "not measured: hone doctor --measure"
        : limits.stream()
            .map(l -> l.text() + " on " + l.threads() + (l.threads() == 1 ? " thread" : " threads"))
            .collect(Collectors.joining("\n           "));
  }

  private static String bits(int bits) {
    return bits == 0 ? "" : bits + " bits";
  }

  private static String unknownIfEmpty(String value) {
    return value.isEmpty() ? "unknown" : value;
  }
}
