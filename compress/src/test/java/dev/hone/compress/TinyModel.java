package dev.hone.compress;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A small embedder of random weights, and texts for it. */
public final class TinyModel {
  private static final String[] WORDS = {
    "love", "king", "night", "sword", "the", "and", "of", "crown", "sleep", "blood", "rose", "speak"
  };

  private TinyModel() {}

  /** The model in a folder of its own. */
  public static Path in(Path folder) {
    return in(folder, "embed-mean");
  }

  /** Another of the pipelines' models in a folder of its own. */
  public static Path in(Path folder, String pipeline) {
    Path pipelines =
        Path.of(
            System.getProperty("hone.root"),
            "runtime/src/test/resources/dev/hone/runtime/pipelines");
    Path model = folder.resolve("tiny-" + pipeline);
    try (Stream<Path> files = Files.walk(pipelines.resolve(pipeline))) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(pipelines.resolve(pipeline).relativize(file)));
      }
      Files.copy(pipelines.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return model;
  }

  /** Texts of 3 to 30 words. */
  public static List<String> texts(int count, long seed) {
    var random = new Random(seed);
    return IntStream.range(0, count)
        .mapToObj(
            _ ->
                String.join(
                    " ",
                    IntStream.range(0, 3 + random.nextInt(28))
                        .mapToObj(_ -> WORDS[random.nextInt(WORDS.length)])
                        .toList()))
        .toList();
  }
}
