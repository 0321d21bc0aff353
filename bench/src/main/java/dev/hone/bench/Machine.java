package dev.hone.bench;

import ai.onnxruntime.OrtEnvironment;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** The machine that a figure is from, with its limits as measured in the same run. */
final class Machine {
  private Machine() {}

  static String cpu() {
    try {
      return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
          .filter(l -> l.startsWith("model name"))
          .findFirst()
          .map(l -> l.substring(l.indexOf(':') + 2))
          .orElse(System.getProperty("os.arch"));
    } catch (IOException e) {
      return System.getProperty("os.arch"); // not Linux
    }
  }

  /** The CPU's name as a part of a file name. */
  static String slug() {
    return cpu().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
  }

  static ObjectNode describe(int threads) {
    ObjectNode machine = new JsonMapper().createObjectNode();
    machine.put("cpu", cpu());
    machine.put("threads", threads);
    machine.put("java", Runtime.version().toString());
    return machine;
  }

  static String onnxRuntimeVersion() {
    return OrtEnvironment.getEnvironment().getVersion();
  }
}
