package dev.hone.cli;

import dev.hone.hub.Hub;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import java.nio.file.Path;
import java.util.OptionalInt;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The model that a command works on, and how it runs. */
final class ModelOptions {
  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "A folder, a weight file, a built-in name (minilm), or hf:org/name[@revision].")
  private String name;

  @Option(names = "--threads", description = "Threads that compute (default: all processors).")
  private Integer threads;

  @Option(names = "--kernels", description = "Tier of kernels: ${COMPLETION-CANDIDATES}.")
  private KernelTier kernels;

  @Option(
      names = "--max-tokens",
      description = "Tokens of a text that are read (default: the model's own limit).")
  private Integer maxTokens;

  String name() {
    return name;
  }

  /** The model's folder or file on this machine, fetched first if need be. */
  Path resolve(Terminal terminal) {
    return Hub.system().resolve(name, terminal.fetching());
  }

  EncoderOptions encoderOptions(Terminal terminal) {
    EncoderOptions defaults = EncoderOptions.defaults();
    return new EncoderOptions(
        threads == null ? defaults.threads() : threads,
        java.util.Optional.ofNullable(kernels),
        defaults.tokenBudget(),
        maxTokens == null ? OptionalInt.empty() : OptionalInt.of(maxTokens),
        cut -> terminal.note(cut.toString()),
        terminal::warn);
  }

  Encoder encoder(Terminal terminal) {
    return Encoder.load(resolve(terminal), encoderOptions(terminal));
  }
}
