package dev.hone.cli;

import dev.hone.compress.RecipeFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone compress}: a recipe's passes, one after the other. */
@Command(
    name = "compress",
    mixinStandardHelpOptions = true,
    description =
        "Makes a smaller model by the passes of a recipe: a YAML file of quantization and pruning"
            + " steps. Stopped in the middle, the same command goes on behind the last finished"
            + " block.",
    footer = {
      "",
      "Example:",
      "  hone compress minilm --recipe recipe.yaml --calibration texts.txt --out minilm-small",
      "",
      "A recipe, whose passes run in this order:",
      "",
      "  name: small",
      "  passes:",
      "    - encode: int4-g64-asym",
      "      method: gptq",
      "    - encode: int8-channel",
      "      kinds: [embedding]"
    })
final class Compress implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelName model;
  @Mixin private ComputeOptions compute;
  @Mixin private CompressionOptions compression;

  @Option(names = "--recipe", required = true, paramLabel = "FILE", description = "The recipe.")
  private Path recipe;

  @Override
  public Integer call() throws IOException {
    compression.run(Terminal.of(spec), "compressing", model, compute, RecipeFile.read(recipe));
    return 0;
  }
}
