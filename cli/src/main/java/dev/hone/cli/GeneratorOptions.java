package dev.hone.cli;

import dev.hone.runtime.ActivationType;
import dev.hone.runtime.generate.TextGenerator;
import dev.hone.runtime.generate.TextGeneratorOptions;
import java.util.OptionalInt;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The decoder that a command runs, and how it runs. */
final class GeneratorOptions {
  @Mixin private ModelName model;
  @Mixin private ComputeOptions compute;

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      description = "Tokens of a prompt and its answer at most (default: the model's own limit).")
  private Integer context;

  @Option(
      names = "--cache-mib",
      paramLabel = "MIB",
      defaultValue = "4096",
      description = "Memory for keys and values at most (default: ${DEFAULT-VALUE}).")
  private int cacheMib;

  @Option(
      names = "--activations",
      defaultValue = "INT8",
      description =
          "What products read: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). INT8 rounds"
              + " activations in blocks of 32 where weights are quantized, which is faster; only"
              + " the assembled kernels do it. BF16 rounds them to BF16 where weights are stored"
              + " so.")
  private ActivationType activations;

  @Mixin private CacheOption cache;

  String name() {
    return model.name();
  }

  TextGenerator generator(Terminal terminal) {
    TextGeneratorOptions defaults = TextGeneratorOptions.defaults();
    if (context != null && context < 1 || cacheMib < 1) {
      throw new WrongInput(
          (context != null && context < 1 ? "--context=" + context : "--cache-mib=" + cacheMib)
              + " must be at least 1");
    }
    return TextGenerator.load(
        model.resolve(terminal),
        new TextGeneratorOptions(
            compute.threads(),
            compute.kernels(),
            activations,
            defaults.chunkTokens(),
            context == null ? OptionalInt.empty() : OptionalInt.of(context),
            (long) cacheMib << 20,
            cache.type(),
            defaults.sequences(),
            terminal::warn));
  }
}
