package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * What compressed models lose on real texts: every method beside round-to-nearest, measured in the
 * same run, against the bounds that Hone promises. A file of results for each model; ends with code
 * 1 where a bound is not kept.
 */
final class Quality {
  private static final List<String> ALL =
      List.of(
          "sst2",
          "sst2-pruned",
          "sst2-sparse",
          "stsb",
          "smollm2",
          "smollm2-sparse",
          "smollm2-cache",
          "optimize",
          "memory");

  /** The texts and models that lie beside the project. */
  private static final Path SHARED = Path.of("../shared");

  private Quality() {}

  public static void main(String[] args) throws Exception {
    int named = 0;
    while (named < args.length && !args[named].startsWith("--")) {
      named++;
    }
    List<String> parts = named == 0 ? ALL : List.of(args).subList(0, named);
    if (!ALL.containsAll(parts)) {
      System.err.println("usage: bench/quality [" + String.join("|", ALL) + "]... [--OPTION X...]");
      System.exit(2);
    }
    var options =
        new Options(
            "quality",
            Arrays.copyOfRange(args, named, args.length),
            "--threads",
            "--every",
            "--results");
    if (!Files.isDirectory(SHARED)) {
      System.err.println(SHARED.toAbsolutePath().normalize() + " is not there: its texts are read");
      System.exit(2);
    }
    boolean held = true;
    for (String part : parts) {
      var lines = new QualityLines();
      int threads = options.number("--threads", Runtime.getRuntime().availableProcessors());
      int every = options.number("--every", 1);
      switch (part) {
        case "sst2" -> Sst2Quality.measure(SHARED, threads, every, lines);
        case "sst2-pruned" -> Sst2Pruning.measure(SHARED, threads, every, lines);
        case "sst2-sparse" -> Sst2Quality.sparse(SHARED, threads, every, lines);
        case "smollm2-sparse" -> SmolLm2Quality.sparse(SHARED, threads, every, lines);
        case "smollm2-cache" -> SmolLm2Quality.cache(SHARED, threads, every, lines);
        case "optimize" -> OptimizeQuality.measure(SHARED, threads, every, lines);
        case "memory" -> QuantizeMemory.measure(SHARED, threads, every, lines);
        case "stsb" -> StsbQuality.measure(SHARED, threads, every, lines);
        default -> SmolLm2Quality.measure(SHARED, threads, every, lines);
      }
      ObjectNode report = new JsonMapper().createObjectNode();
      report.put("command", ("bench/quality " + String.join(" ", args)).strip());
      report.put("date", Instant.now().toString());
      report.put("cpu", Machine.cpu());
      report.put("everyNthText", every);
      ArrayNode array = report.putArray("lines");
      lines.all().forEach(array::add);
      report.put("held", lines.held());
      Results.store("quality-" + part, report, Path.of(options.of("--results", Results.FOLDER)));
      held &= lines.held();
    }
    System.exit(held ? 0 : 1);
  }
}
