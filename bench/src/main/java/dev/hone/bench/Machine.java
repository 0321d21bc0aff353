package dev.hone.bench;

import ai.onnxruntime.OrtEnvironment;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.measure.LimitMeter;
import dev.hone.tensor.kernel.LimitLoops.Peak;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;

/** The machine that a figure is from, with its limits as measured in the same run. */
final class Machine {
  private static final int LIMIT_RUNS = 30;

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

  /** The machine and what it can do at most, measured now. */
  static ObjectNode describe(int threads) {
    ObjectNode machine = new JsonMapper().createObjectNode();
    machine.put("cpu", cpu());
    machine.put("threads", threads);
    machine.put("java", Runtime.version().toString());
    try (Arena arena = Arena.ofShared();
        ComputePool pool = new ComputePool(threads)) {
      var meter = new LimitMeter(pool, arena);
      for (Peak peak : meter.peaks()) {
        double operations = best(() -> meter.operations(peak));
        machine.put(peak.label() + " Gops", Math.round(operations / 1e9));
      }
      machine.put("readGBs", Math.round(best(meter::readBytes) / 1e8) / 10.0);
    }
    return machine;
  }

  private static double best(DoubleSupplier limit) {
    return DoubleStream.generate(limit).limit(LIMIT_RUNS).max().orElseThrow();
  }

  static String onnxRuntimeVersion() {
    return OrtEnvironment.getEnvironment().getVersion();
  }
}
