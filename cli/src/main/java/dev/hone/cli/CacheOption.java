package dev.hone.cli;

import dev.hone.tensor.KeyValueType;
import picocli.CommandLine.Option;

/** What a decoder remembers of a text. */
final class CacheOption {
  static final String NAME = "--cache";

  @Option(
      names = NAME,
      paramLabel = "TYPE",
      defaultValue = "F32",
      description =
          "What keys and values are stored in: ${COMPLETION-CANDIDATES}; int8 takes little more"
              + " than a quarter of F32's memory (default: ${DEFAULT-VALUE}).")
  private KeyValueType type;

  KeyValueType type() {
    return type;
  }
}
