package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.bench.KernelTable.Weights;
import dev.hone.measure.LimitMeter;
import dev.hone.tensor.LargePages;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Processor;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The kernels against what the machine can do at most, and each figure that is asked of them.
 * Prints, and stores JSON unless only some cases were asked for.
 */
final class CompareKernels {
  private static final JsonMapper JSON = new JsonMapper();

  private CompareKernels() {}

  public static void main(String[] args) throws IOException {
    var options =
        new Options("kernels", args, "--rounds", "--threads", "--only", "--kernels", "--results");
    int rounds = options.number("--rounds", 7);
    int threads = options.number("--threads", 2);
    String only = options.of("--only", "");
    Optional<KernelTier> asked =
        Optional.of(options.of("--kernels", ""))
            .filter(name -> !name.isEmpty())
            .map(name -> KernelTier.valueOf(name.toUpperCase(Locale.ROOT)));
    KernelTier.Selection selection = KernelTier.select(asked);
    System.out.println(selection.tier().label() + " kernels (" + selection.reason() + ")");
    selection.warnings().forEach(System.err::println);
    ObjectNode report = JSON.createObjectNode();
    report.put("command", "bench/compare kernels --rounds " + rounds + " --threads " + threads);
    report.put("date", Instant.now().toString());
    report.set("machine", Machine.describe(threads));
    report.put("kernels", selection.tier().label() + ": " + selection.reason());
    List<KernelTiming> timings = new ArrayList<>();
    try (Arena arena = Arena.ofShared();
        ComputePool all = new ComputePool(threads);
        ComputePool one = new ComputePool(1)) {
      var bench =
          new KernelTiming.Bench(
              selection.tier().create(all),
              selection.tier().create(one),
              new LimitMeter(all, arena),
              rounds);
      System.out.printf(
          Locale.ROOT,
          "%-38s %9s %8s %7s %7s %7s %7s %7s%n",
          "medians of " + rounds,
          "ms",
          "Gop/s",
          "share",
          "of read",
          "by file",
          "of peak",
          "threads");
      groups(only)
          .forEach(
              group -> {
                try (Arena memory = LargePages.arena()) { // one group's weights at a time
                  for (KernelCase timed :
                      group.apply(new KernelTable(bench.all(), bench.limits().peaks(), memory))) {
                    if (timed.name().contains(only)) {
                      KernelTiming timing = bench.time(timed);
                      print(timing);
                      timings.add(timing);
                    }
                  }
                }
              });
    }
    report.set("cases", cases(timings));
    report.set("figures", new KernelFigures(timings, Processor.here().features()).judge());
    if (only.isEmpty()) {
      Results.store("kernels", report, Path.of(options.of("--results", Results.FOLDER)));
    }
  }

  /** Cases whose weights are in memory at the same time; those alone that may be wanted. */
  private static Stream<Function<KernelTable, List<KernelCase>>> groups(String only) {
    Stream.Builder<Function<KernelTable, List<KernelCase>>> groups = Stream.builder();
    for (Weights weights : KernelTable.FEW_ROWS) {
      boolean many = KernelTable.MANY_ROWS.contains(weights);
      List<Integer> tokens =
          IntStream.of(1).boxed().collect(java.util.stream.Collectors.toCollection(ArrayList::new));
      Arrays.stream(KernelTable.FEW).forEach(tokens::add);
      if (many) {
        Arrays.stream(KernelTable.MANY).forEach(tokens::add);
      }
      tokens.removeIf(
          t -> !KernelTable.name(weights, t, KernelTable.IN, KernelTable.OUT).contains(only));
      if (!tokens.isEmpty()) {
        groups.add(table -> table.decoder(weights, tokens));
      }
      if (many) {
        groups.add(table -> table.miniLm(weights, KernelTable.BATCH));
      }
    }
    groups.add(
        table ->
            List.of(
                table.attention(1, 16),
                table.attention(1, 128),
                table.attention(32, 128),
                table.attention(8, 512)));
    groups.add(table -> table.rows(16));
    groups.add(table -> table.rows(512));
    return groups.build();
  }

  private static void print(KernelTiming t) {
    System.out.printf(
        Locale.ROOT,
        "%-38s %9.3f %8.1f %7s %7s %7s %7s %7s%n",
        t.timed().name(),
        t.millis(),
        t.timed().operations() / t.millis() / 1e6,
        share(t.share()),
        share(t.ofRead()),
        share(t.ofReadByFile()),
        share(t.ofPeak()),
        share(t.scaling()));
  }

  private static String share(double share) {
    return Double.isNaN(share) ? "" : String.format(Locale.ROOT, "%.2f", share);
  }

  private static ArrayNode cases(List<KernelTiming> timings) {
    ArrayNode cases = JSON.createArrayNode();
    for (KernelTiming t : timings) {
      ObjectNode one = cases.addObject();
      one.put("case", t.timed().name());
      put(one, "millis", t.millis());
      put(one, "gops", t.timed().operations() / t.millis() / 1e6);
      put(one, "readLimitGBs", t.readBytes() / 1e9);
      put(one, "peakLimitGops", t.peak() / 1e9);
      put(one, "share", t.share());
      put(one, "least", t.least());
      put(one, "most", t.most());
      put(one, "ofRead", t.ofRead());
      put(one, "ofReadByFileBytes", t.ofReadByFile());
      put(one, "ofPeak", t.ofPeak());
      put(one, "threadScaling", t.scaling());
    }
    return cases;
  }

  /** Four digits that count; what was not measured is left out. */
  private static void put(ObjectNode node, String name, double value) {
    if (!Double.isNaN(value)) {
      node.put(name, new java.math.BigDecimal(value).round(new java.math.MathContext(4)));
    }
  }
}
