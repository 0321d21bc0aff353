package dev.hone.cli;

import dev.hone.runtime.Encoder;
import dev.hone.runtime.EncoderOptions;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model that a command runs, and how it runs. */
final class ModelOptions {
  private static final int LEAST_TOKENS = 3;

  @Mixin private ModelName model;
  @Mixin private ComputeOptions compute;

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
    if (maxTokens != null && maxTokens < LEAST_TOKENS) {
      throw new WrongInput("--max-tokens=" + maxTokens + " must be at least " + LEAST_TOKENS);
    }
    Set<String> told = ConcurrentHashMap.newKeySet(); // what is measured runs many times
    return new EncoderOptions(
        compute.threads(),
        compute.kernels(),
        defaults.tokenBudget(),
        maxTokens == null ? OptionalInt.empty() : OptionalInt.of(maxTokens),
        cut -> {
          if (told.add(cut.toString())) {
            terminal.note(cut.toString());
          }
        },
        terminal::warn);
  }

  ComputeOptions compute() {
    return compute;
  }

  Encoder encoder(Terminal terminal) {
    return Encoder.load(model.resolve(terminal), options(terminal));
  }
}
