package dev.hone.model.folder;

import dev.hone.model.format.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/** A Jazzer target: any bytes are a {@code modules.json} or a {@link FormatException}. */
public final class SentenceModulesFuzz {
  private static final Path FOLDER = folder();

  private SentenceModulesFuzz() {}

  public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
    Files.write(FOLDER.resolve("modules.json"), bytes);
    try (Arena arena = Arena.ofConfined()) {
      SentenceTransformerConfig.read(FOLDER, arena);
    } catch (FormatException e) {
      // What a damaged file deserves.
    }
  }

  private static Path folder() {
    try {
      Path folder = Files.createTempDirectory("hone-fuzz");
      Files.createDirectory(folder.resolve("1_Pooling"));
      Files.writeString(
          folder.resolve("1_Pooling/config.json"),
          "{\"embedding_dimension\": 8, \"pooling_mode\": \"mean\"}");
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
