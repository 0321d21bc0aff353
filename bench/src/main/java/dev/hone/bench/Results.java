package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where figures are kept: a file a comparison and CPU. */
final class Results {
  /** Unless {@code --results} names another. */
  static final String FOLDER = "bench/results";

  private static final JsonMapper JSON = new JsonMapper();

  private Results() {}

  /** Prints a report and writes {@code NAME-CPU.json}. */
  static void store(String name, ObjectNode report, Path folder) throws IOException {
    String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report);
    System.out.println(text);
    Files.createDirectories(folder);
    Path file = folder.resolve(name + "-" + Machine.slug() + ".json");
    Files.writeString(file, text + "\n");
    System.err.println("stored in " + file);
  }
}
