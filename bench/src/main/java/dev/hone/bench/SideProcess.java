package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** One side of a comparison in a process of its own, which prints JSON. */
final class SideProcess {
  private static final JsonMapper JSON = new JsonMapper();

  private SideProcess() {}

  /** A class of this program, started as this program was. */
  static JsonNode java(Class<?> main, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(args));
    return JSON.readTree(output(main.getSimpleName(), command));
  }

  /** A program that prints a line of JSON for every test. */
  static List<JsonNode> lines(List<String> command) throws IOException, InterruptedException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : output(command.getFirst(), command).split("\n")) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  private static String output(String name, List<String> command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(name + " ended with " + process.exitValue());
    }
    return output;
  }
}
