package dev.hone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that end by SIGKILL in the middle, in a JVM of their own, and are given again. */
class KilledTest {
  private static final int BLOCKS = 12;
  private static final int SIGKILL = 128 + 9;

  @TempDir private static Path models;
  private static Path model;
  private static Path texts;
  @TempDir private Path folder;

  @BeforeAll
  static void writeModelAndTexts() throws IOException {
    model = TinyModels.deep(BLOCKS, models);
    String[] words = "the king sleeps a rose by any other name fox and boat".split(" ");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      List<String> line = new ArrayList<>();
      for (int w = 0; w < 3 + i % 20; w++) {
        line.add(words[(i * 7 + w * w + w) % words.length]);
      }
      lines.add(String.join(" ", line));
    }
    texts = Files.write(models.resolve("texts.txt"), lines);
  }

  /** Twice killed, each time behind another block; the third time it ends, in the same bytes. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "quantize|--method|gptq|--group|16",
        "quantize|--method|gptq|--bits|8|--activations|static",
        "prune|--unstructured|50%|--by|sparsegpt",
        "prune|--heads|50%|--ffn|25%"
      })
  void theSameCommandGoesOnAndEndsInTheSameBytes(String command) throws Exception {
    Path whole = folder.resolve("whole");
    Path made = folder.resolve("made");
    Path last = folder.resolve(".made-journal/pass-" + (command.contains("static") ? 1 : 0));
    Answer uninterrupted = Answer.of(line(command, whole));
    assertThat(uninterrupted.code()).as(uninterrupted.err()).isZero();

    kill(() -> Files.exists(block(last, 1)), line(command, made));
    FileTime first = Files.getLastModifiedTime(block(last, 0));
    assertThat(block(last, BLOCKS - 1)).doesNotExist();
    assertThat(made).doesNotExist();
    kill(() -> Files.exists(block(last, 3)), line(command, made));
    assertThat(Files.getLastModifiedTime(block(last, 0))).isEqualTo(first);
    Answer end = Answer.of(line(command, made));
    assertThat(end.code()).as(end.err()).isZero();

    assertThat(contents(made)).isEqualTo(contents(whole));
    assertThat(left()).containsExactlyInAnyOrder("whole", "made", "said.txt");
  }

  private List<String> left() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static String[] line(String command, Path target) {
    List<String> line = new ArrayList<>(List.of(command.split("\\|")));
    line.add(1, model.toString());
    line.addAll(List.of("--calibration", texts.toString(), "--out", target.toString()));
    return line.toArray(String[]::new);
  }

  private static Path block(Path journal, int block) {
    return journal.resolve(String.format("block-%05d.safetensors", block));
  }

  /** What is measured stands in the log; calibrated recipes are made again, to the same bytes. */
  @Test
  void optimizeGoesOnBehindItsLog() throws Exception {
    Path recipes = folder.resolve("recipes");
    Files.createDirectory(recipes);
    String gptq =
        "name: w%s\npasses: [{encode: %s, method: gptq}, {encode: %s, kinds: [embedding]}]\n";
    Path eight = Files.writeString(recipes.resolve("8"), gptq.formatted("8", "int8-g32", "bf16"));
    Path four = Files.writeString(recipes.resolve("4"), gptq.formatted("4", "int4-g32", "bf16"));
    Path made = folder.resolve("made-best");
    String[] line = {
      "optimize", models.resolve("embed-mean").toString(), "--objective", "size", "--max-loss",
          "90%",
      "--data", texts.toString(), "--trials", "2", "--report", folder.resolve("reports").toString(),
      "--recipe", eight.toString(), "--recipe", four.toString(), "-o", made.toString()
    };
    Path log = folder.resolve("made-best.trials.jsonl");
    kill(() -> lines(log).size() >= 2, line);
    List<String> before = lines(log);
    assertThat(before).hasSize(2); // the search, and a trial
    Answer end = Answer.of(line);
    assertThat(end.code()).as(end.err()).isZero();
    assertThat(lines(log)).hasSize(3).startsWith(before.toArray(String[]::new));
    assertThat(left()).doesNotContain(".made-best-trials");
  }

  /** Whole ones: a process may have been killed while it wrote another. */
  private static List<String> lines(Path file) {
    try {
      String text = Files.exists(file) ? Files.readString(file) : "";
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Runs a command in a JVM of its own, and kills it once something holds. */
  private void kill(BooleanSupplier when, String... line) throws Exception {
    List<String> java = new ArrayList<>();
    java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    java.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Hone.class.getName()));
    java.addAll(List.of(line));
    Path said = folder.resolve("said.txt");
    Process process =
        new ProcessBuilder(java).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
      while (process.isAlive() && !when.getAsBoolean() && System.nanoTime() < end) {
        Thread.sleep(1);
      }
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor()).as(Files.readString(said)).isEqualTo(SIGKILL);
    assertThat(when.getAsBoolean()).as(Files.readString(said)).isTrue();
  }

  /** Every file of a folder, less what says when it was made. */
  private static Map<String, Object> contents(Path made) throws IOException {
    Map<String, Object> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(made)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = made.relativize(file).toString();
        contents.put(name, name.equals("hone.json") ? timeless(file) : bytes(file));
      }
    }
    return contents;
  }

  private static List<Byte> bytes(Path file) throws IOException {
    List<Byte> bytes = new ArrayList<>();
    for (byte b : Files.readAllBytes(file)) {
      bytes.add(b);
    }
    return bytes;
  }

  private static JsonNode timeless(Path file) throws IOException {
    return ((ObjectNode) new JsonMapper().readTree(file.toFile())).without("made");
  }
}
