package dev.hone.model.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.Head;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.safetensors.Safetensors;
import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A word table that the head shares stands in a file under either name. */
class TiedHeadTest {
  private static final Path GOLDENS =
      Path.of(
          System.getProperty("hone.root"), "measure/src/test/resources/dev/hone/measure/goldens");

  @TempDir private Path folder;

  /** A model whose config says so much of its head, with the table under another name. */
  private Path renamed(String model, String table, String head, boolean tied) throws IOException {
    Path made = Files.createDirectory(folder.resolve(model));
    String config = Files.readString(GOLDENS.resolve(model).resolve("config.json"));
    Files.writeString(
        made.resolve("config.json"),
        config.replaceFirst("(\"tie_word_embeddings\": *)\\w+", "$1" + tied));
    try (Arena arena = Arena.ofShared()) {
      Safetensors all =
          Safetensors.open(GOLDENS.resolve(model).resolve("model.safetensors"), arena);
      Map<String, Tensor> tensors = new TreeMap<>();
      all.names().forEach(name -> tensors.put(name, all.tensor(name)));
      tensors.put(head, tensors.remove(table));
      SafetensorsWriter.write(made.resolve("model.safetensors"), tensors, Map.of());
    }
    return made;
  }

  @ParameterizedTest
  @CsvSource({
    "llama, model.embed_tokens.weight, lm_head.weight",
    "gpt2, transformer.wte.weight, lm_head.weight"
  })
  void isReadUnderTheHeadsName(String model, String table, String head) throws IOException {
    try (Model original = Model.load(GOLDENS.resolve(model));
        Model read = Model.load(renamed(model, table, head, true))) {
      assertThat(((Head.NextToken) read.transformer().head()).out()).isEmpty();
      var word = read.transformer().embeddings().word().weight();
      assertThat(word.name()).isEqualTo(table);
      assertThat(word.tensor().data().toArray(ValueLayout.JAVA_BYTE))
          .isEqualTo(
              original
                  .transformer()
                  .embeddings()
                  .word()
                  .weight()
                  .tensor()
                  .data()
                  .toArray(ValueLayout.JAVA_BYTE));
      assertThat(read.unused()).isEmpty();
    }
  }

  @Test
  void isMissedWhereTheHeadHasItsOwn() throws IOException {
    Path made = renamed("llama", "model.embed_tokens.weight", "lm_head.weight", false);
    assertThatThrownBy(() -> Model.load(made))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("model.embed_tokens.weight");
  }

  @Tag("shared")
  @Test
  void aPublishedModelIsRead() {
    Path published =
        Path.of(System.getProperty("hone.shared"), "assets/models/tinystories-656k-llama");
    try (Model read = Model.load(published)) {
      assertThat(read.transformer().embeddings().word().entries()).isEqualTo(2048);
      assertThat(read.unused()).isEmpty();
    }
  }
}
