package dev.hone.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One side of a comparison in a process of its own, which prints JSON. */
final class SideProcess {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int LOOK_MILLIS = 20;

  private SideProcess() {}

  /** A class of this program, started as this program was. */
  static JsonNode java(Class<?> main, String... args) throws IOException, InterruptedException {
    return JSON.readTree(output(main.getSimpleName(), command(main, List.of(args))));
  }

  private static List<String> command(Class<?> main, List<String> args) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(args);
    return command;
  }

  /** The most memory that a class of this program held beyond mapped files until it ended. */
  static long peakBytes(Class<?> main, List<String> args) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command(main, args))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    process.getOutputStream().close();
    long peak = 0;
    while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
      peak = Math.max(peak, ProcessMemory.beyondFiles(process.pid()));
    }
    if (process.exitValue() != 0) {
      throw new IOException(main.getSimpleName() + " ended with " + process.exitValue());
    }
    return peak;
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
