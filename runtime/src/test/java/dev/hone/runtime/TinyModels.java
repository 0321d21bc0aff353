package dev.hone.runtime;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Tiny models with random weights in the test resources; they share one tokenizer. */
final class TinyModels {
  private TinyModels() {}

  /** Puts a model's folder together in a folder for scratch files. */
  static Pipeline pipeline(String name, Path scratch) throws IOException {
    Path all = resources();
    Path folder = scratch.resolve(name);
    try (Stream<Path> files = Files.walk(all.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(all.resolve(name).relativize(file).toString()));
      }
    }
    Files.copy(all.resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    return new Pipeline(folder, all.resolve("texts.json"));
  }

  private static Path resources() {
    try {
      return Path.of(TinyModels.class.getResource("pipelines").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
