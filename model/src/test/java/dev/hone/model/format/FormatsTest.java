package dev.hone.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.safetensors.SafetensorsWriter;
import dev.hone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FormatsTest {
  @TempDir Path folder;
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void opensAFolderAndAFile() throws IOException {
    write("model.safetensors", "a", 1);
    assertThat(Formats.open(folder, arena).tensor("a").toArray()).containsExactly(1);
    Path file = write("other.safetensors", "b", 2);
    assertThat(Formats.open(file, arena).tensor("b").toArray()).containsExactly(2);
  }

  @Test
  void opensShards() throws IOException {
    write("model-00001-of-00002.safetensors", "a", 1);
    write("model-00002-of-00002.safetensors", "b", 2);
    index(
        "{\"a\": \"model-00001-of-00002.safetensors\", \"b\":"
            + " \"model-00002-of-00002.safetensors\"}");
    Checkpoint checkpoint = Formats.open(folder, arena);
    assertThat(checkpoint.names()).containsExactlyInAnyOrder("a", "b");
    assertThat(checkpoint.tensor("b").toArray()).containsExactly(2);
    assertThatThrownBy(() -> checkpoint.tensor("c"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("has no tensor c");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside.safetensors",
        "/outside.safetensors",
        "..",
        "",
        "sub/x.safetensors",
        "config.json",
        "nul\\u0000.safetensors"
      })
  void refusesShardsElsewhere(String file) throws IOException {
    index("{\"a\": \"" + file + "\"}");
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll("index.json", "tensor=a");
  }

  @Test
  void refusesAnIndexThatLies() throws IOException {
    write("one.safetensors", "a", 1);
    index("{\"b\": \"one.safetensors\"}");
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor=b is not in one.safetensors");
    index("{\"a\": \"two.safetensors\"}");
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("two.safetensors is missing");
  }

  @Test
  void saysWhatItLookedFor() throws IOException {
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .isInstanceOf(FormatException.class)
        .hasMessageContainingAll(
            "looked for model.safetensors, model.safetensors.index.json, model.onnx");
    Path pickle = Files.createFile(folder.resolve("pytorch_model.bin"));
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .hasMessageContaining("convert it to safetensors");
    assertThatThrownBy(() -> Formats.open(pickle, arena)).hasMessageContaining("no known format");
    assertThatThrownBy(() -> Formats.open(folder.resolve("x"), arena))
        .hasMessageContaining("does not exist");
  }

  /** Enough of a GGUF file to be told from another: what is in it has tests of its own. */
  @Test
  void aFolderMayHoldOneGgufModelAndNoConfig() throws IOException {
    assertThat(Formats.describesItself(folder)).isFalse();
    Files.writeString(folder.resolve("a-00001-of-00002.gguf"), "no such file");
    Files.writeString(folder.resolve("a-00002-of-00002.gguf"), "no such file");
    assertThat(Formats.describesItself(folder)).isTrue();
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .hasMessageStartingWith(folder.resolve("a-00001-of-00002.gguf") + " is not a GGUF file");
    Files.writeString(folder.resolve("b.gguf"), "no such file");
    assertThatThrownBy(() -> Formats.open(folder, arena))
        .hasMessage(folder + " holds 2 models: name one of [a-00001-of-00002.gguf, b.gguf]");
    assertThat(Formats.describesItself(folder.resolve("b.gguf"))).isTrue();
    Files.writeString(folder.resolve("config.json"), "{}");
    assertThat(Formats.describesItself(folder)).isFalse();
  }

  private Path write(String file, String tensor, float value) throws IOException {
    Path path = folder.resolve(file);
    SafetensorsWriter.write(
        path, Map.of(tensor, Tensor.copyOf(arena, new float[] {value}, 1)), Map.of());
    return path;
  }

  private void index(String weightMap) throws IOException {
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), "{\"weight_map\": " + weightMap + "}");
  }
}
