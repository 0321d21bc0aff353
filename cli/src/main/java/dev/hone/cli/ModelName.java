package dev.hone.cli;

import dev.hone.hub.Hub;
import java.nio.file.Path;
import picocli.CommandLine.Parameters;

/** The model that a command works on. */
final class ModelName {
  static final String DESCRIPTION =
      "A folder, a weight file, a built-in name (minilm), or hf:org/name[@revision].";

  @Parameters(index = "0", paramLabel = "MODEL", description = DESCRIPTION)
  private String name;

  /** For picocli. */
  ModelName() {}

  ModelName(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  /** The model's folder or file on this machine, fetched first if need be. */
  Path resolve(Terminal terminal) {
    return Hub.system().resolve(name, terminal.fetching());
  }
}
