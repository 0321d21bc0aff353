package dev.hone.cli;

import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import dev.hone.tensor.kernel.KernelTier;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model that a command runs, and how it runs. */
final class ModelOptions {
  private static final int LEAST_TOKENS = 3;

  @Mixin private ModelName model;

  @Option(names = "--threads", description = "Threads that compute (default: all processors).")
  private Integer threads;

  @Option(names = "--kernels", description = "Tier of kernels: ${COMPLETION-CANDIDATES}.")
  private KernelTier kernels;

  @Option(
      names = "--max-tokens",
      description = "Tokens of a text that are read (default: the model's own limit).")
  private Integer maxTokens;

  String name() {
    return model.name();
  }

  ModelName model() {
    return model;
  }

  EncoderOptions options(Terminal terminal) {
    EncoderOptions defaults = EncoderOptions.defaults();
    if (threads != null && threads < 1) {
      throw new WrongInput("--threads=" + threads + " must be at least 1");
    }
    if (maxTokens != null && maxTokens < LEAST_TOKENS) {
      throw new WrongInput("--max-tokens=" + maxTokens + " must be at least " + LEAST_TOKENS);
    }
    return new EncoderOptions(
        threads == null ? defaults.threads() : threads,
        Optional.ofNullable(kernels),
        defaults.tokenBudget(),
        maxTokens == null ? OptionalInt.empty() : OptionalInt.of(maxTokens),
        cut -> terminal.note(cut.toString()),
        terminal::warn);
  }

  Encoder encoder(Terminal terminal) {
    return Encoder.load(model.resolve(terminal), options(terminal));
  }
}
