package dev.hone.model.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hone.model.format.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BesideTest {
  @TempDir private Path folder;

  /** As of a process that was killed: the number of one that has ended. */
  @Test
  void whatKilledProcessesLeftGoes() throws Exception {
    Path file = folder.resolve("model.safetensors");
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    Path half = Files.createDirectory(folder.resolve(part(file, ended.pid())));
    Files.writeString(half.resolve("weights"), "half of them");
    Path own = Files.createFile(Beside.of(file));
    Path other = Files.createFile(folder.resolve(part(folder.resolve("x"), ended.pid())));
    SafetensorsWriter.write(file, Map.of(), Map.of("made", "now"));
    assertThat(half).doesNotExist();
    assertThat(file).exists();
    assertThat(own).as("of a process that lives").exists();
    assertThat(other).as("beside another file").exists();
  }

  private static String part(Path file, long process) throws IOException {
    return Beside.of(file)
        .getFileName()
        .toString()
        .replace("." + ProcessHandle.current().pid() + "-", "." + process + "-");
  }
}
