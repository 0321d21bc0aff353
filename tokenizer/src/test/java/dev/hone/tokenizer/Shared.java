package dev.hone.tokenizer;

import java.nio.file.Path;

/** The folder of assets beside the project, for tests tagged {@code shared}. */
final class Shared {

  private Shared() {}

  static Path path(String name) {
    return Path.of(System.getProperty("hone.shared")).resolve(name);
  }
}
