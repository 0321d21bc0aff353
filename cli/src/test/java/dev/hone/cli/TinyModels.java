package dev.hone.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Tiny models of random weights, which runtime's tests hold. */
final class TinyModels {
  private static final Path ALL =
      Path.of(
          System.getProperty("hone.root"), "runtime/src/test/resources/dev/hone/runtime/pipelines");

  private TinyModels() {}

  /** Puts a model's folder together in another folder. */
  static Path copy(String name, Path into) throws IOException {
    Path model = into.resolve(name);
    try (Stream<Path> files = Files.walk(ALL.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(ALL.resolve(name).relativize(file)));
      }
    }
    Files.copy(ALL.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
    return model;
  }
}
