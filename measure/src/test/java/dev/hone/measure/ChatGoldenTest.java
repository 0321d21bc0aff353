package dev.hone.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Templates of published models, as transformers renders them. */
@Tag("shared")
class ChatGoldenTest {
  private static final Path FOLDER =
      Path.of(System.getProperty("hone.shared")).resolve("goldens/chat");

  static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .filter(file -> !file.endsWith("conversations.json"))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void rendersTheSame(Path file) {
    List<ChatCases.Case> cases = ChatCases.compare(file, Optional.empty());
    assertThat(cases).isNotEmpty();
    for (ChatCases.Case one : cases) {
      assertThat(one.found())
          .as("case %d, %s", one.number(), one.conversation())
          .isEqualTo(one.expected());
      assertThat(one.foundError()).isEqualTo(one.error());
    }
  }
}
