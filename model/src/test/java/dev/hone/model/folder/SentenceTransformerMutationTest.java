package dev.hone.model.folder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.format.Hostile;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 20,000 times a sentence-transformers folder one of whose files is damaged. */
class SentenceTransformerMutationTest {
  private record Original(Path file, byte[] bytes) {}

  @Test
  void readsOrRefuses(@TempDir Path folder) throws IOException, URISyntaxException {
    Path published =
        Path.of(SentenceTransformerMutationTest.class.getResource("sentence-transformer").toURI());
    List<Original> originals = new ArrayList<>();
    try (var files = Files.walk(published)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        Path copy = folder.resolve(published.relativize(file).toString());
        Files.createDirectories(copy.getParent());
        originals.add(new Original(copy, Files.readAllBytes(file)));
        Files.copy(file, copy);
      }
    }
    assertThat(originals).hasSize(8);
    int refused =
        Hostile.refused(
            (random, arena) -> {
              Original original = originals.get(random.nextInt(originals.size()));
              boolean json = original.file().toString().endsWith(".json");
              byte[] damaged =
                  json
                      ? Hostile.json(original.bytes(), random)
                      : Hostile.safetensors(original.bytes(), random);
              try {
                // A file beside, moved: a mapped one is never changed in place.
                Path next = Files.write(folder.resolve("next"), damaged);
                Files.move(
                    next, original.file(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
                SentenceTransformerConfig.read(folder, arena);
              } finally {
                Path next = Files.write(folder.resolve("next"), original.bytes());
                Files.move(
                    next, original.file(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
              }
            },
            folder.toString());
    assertThat(refused).isBetween(Hostile.MUTATIONS / 4, Hostile.MUTATIONS - 1);
  }
}
