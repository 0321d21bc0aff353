package dev.hone.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built-in model becomes an ordinary model folder, once, whoever asks. */
class BuiltInTest {

  @TempDir Path cache;

  @Test
  void minilmIsAWholeFolder() throws IOException {
    List<String> told = new ArrayList<>();
    Path folder = hub().resolve("minilm", (file, done, total) -> told.add(done + "/" + total));

    assertThat(folder).isDirectory().startsWith(cache);
    assertThat(Checksum.sha256(folder.resolve("model.onnx"))).startsWith("ca46f1a88a9c6e61");
    assertThat(Files.readString(folder.resolve("config.json")))
        .contains("\"num_attention_heads\": 12");
    assertThat(folder.resolve("1_Pooling/config.json")).exists();
    assertThat(folder.resolve("download")).doesNotExist();
    assertThat(told).first().isEqualTo("0/91695814");
    assertThat(told).last().isEqualTo("91695814/91695814");
  }

  @Test
  void manyAtOnceFillTheFolderOnceAndADamagedOneAgain() throws Exception {
    Path folder;
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Path>> folders = new ArrayList<>();
      for (int k = 0; k < 4; k++) {
        folders.add(threads.submit(() -> hub().resolve("minilm", Progress.NONE)));
      }
      folder = folders.getFirst().get();
      for (Future<Path> one : folders) {
        assertThat(one.get()).isEqualTo(folder);
      }
    }
    Path tokenizer = folder.resolve("tokenizer.json");
    Files.writeString(tokenizer, "half a file");
    assertThat(hub().resolve("minilm", Progress.NONE)).isEqualTo(folder);
    assertThat(tokenizer).hasSize(711_661);
  }

  @Test
  void aFolderWinsOverAName() throws IOException {
    Path folder = Files.createDirectory(cache.resolve("somewhere"));
    assertThat(hub().resolve(folder.toString(), Progress.NONE)).isEqualTo(folder);
  }

  @Test
  void anUnknownNameSaysWhatWasTried() {
    assertThatThrownBy(() -> hub().resolve("mini-lm", Progress.NONE))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("name=mini-lm")
        .hasMessageContaining("[minilm]");
  }

  private Hub hub() {
    Surroundings process = Surroundings.ofProcess();
    return new Hub(new Surroundings(Map.of("HONE_HOME", cache.toString()), process.properties()));
  }
}
