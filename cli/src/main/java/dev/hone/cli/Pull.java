package dev.hone.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hone pull}: fetches a model and says where it lies. */
@Command(
    name = "pull",
    mixinStandardHelpOptions = true,
    description = "Fetches a model, if it is not on this machine yet, and prints its folder.",
    footer = {"", "Example:", "  hone pull hf:BAAI/bge-small-en-v1.5"})
final class Pull implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelName model;

  @Option(names = "--json", description = "Print JSON: {model, folder}.")
  private boolean json;

  @Override
  public Integer call() {
    var terminal = Terminal.of(spec);
    Path folder = model.resolve(terminal).toAbsolutePath();
    if (json) {
      terminal.json(Map.of("model", model.name(), "folder", folder.toString()));
    } else {
      terminal.out().println(folder);
    }
    return 0;
  }
}
