package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.bench.KernelTable.Weights;
import dev.hone.compress.LayerSelection;
import dev.hone.compress.Recipe;
import dev.hone.compress.prune.Criterion;
import dev.hone.compress.prune.Prune;
import dev.hone.compress.prune.Sparsity;
import dev.hone.measure.LimitMeter;
import dev.hone.measure.Timing;
import dev.hone.measure.language.DissolvedGrid;
import dev.hone.model.Batch;
import dev.hone.model.LayerMap;
import dev.hone.model.Linear;
import dev.hone.model.Role;
import dev.hone.model.Transformer;
import dev.hone.model.folder.Model;
import dev.hone.model.folder.ModelWriter;
import dev.hone.runtime.ActivationType;
import dev.hone.runtime.Engine;
import dev.hone.runtime.SparseProducts;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.LargePages;
import dev.hone.tensor.kernel.KernelTier;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * What zeros are worth: products of few and of many rows without them beside dense ones, weights
 * coming from memory; and a decoder, "SmolLM2 restored" pruned by magnitude, its products dense and
 * as loading chooses them, by turns in one process. Prints, and stores JSON unless only some cases
 * were asked for.
 */
final class CompareSparse {
  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> SHARES = List.of("50%");
  private static final List<Plain> TYPES = List.of(Plain.F16, Plain.BF16, Plain.F32);
  private static final List<Integer> TOKENS = List.of(1, 8, 128);
  private static final int GENERATED = 32;
  private static final int PROMPT = 128;

  private CompareSparse() {}

  public static void main(String[] args) throws IOException {
    var options = new Options("sparse", args, "--rounds", "--threads", "--only", "--results");
    int rounds = options.number("--rounds", 9);
    int threads = options.number("--threads", 2);
    String only = options.of("--only", "");
    ObjectNode report = JSON.createObjectNode();
    report.put("command", "bench/compare sparse --rounds " + rounds + " --threads " + threads);
    report.put("date", Instant.now().toString());
    report.set("machine", Machine.describe(threads));
    if ("products".contains(only)) {
      products(report.putArray("products"), rounds, threads);
    }
    ArrayNode cases = report.putArray("decoder");
    Path folder = Files.createTempDirectory("hone-sparse-");
    try (var pool = new ComputePool(threads)) {
      Kernels kernels = KernelTier.select(Optional.empty()).tier().create(pool);
      Path restored = folder.resolve("restored.gguf");
      DissolvedGrid.write(Path.of("../shared").resolve(SmolLm2Quality.PUBLISHED), restored);
      try (Model model = Model.load(restored)) {
        for (String share : SHARES) {
          for (Plain type : TYPES) {
            if ((share + " " + type.label()).contains(only)) {
              cases.add(measure(model.transformer(), share, type, kernels, rounds));
            }
          }
        }
      }
    } finally {
      ModelWriter.delete(folder);
    }
    if (only.isEmpty()) {
      Results.store("sparse", report, Path.of(options.of("--results", Results.FOLDER)));
    }
  }

  /** Weights of a decoder, and how many times as fast as with zeros; both by the memory's speed. */
  private static void products(ArrayNode lines, int rounds, int threads) {
    KernelTier tier = KernelTier.select(Optional.empty()).tier();
    try (Arena arena = Arena.ofShared();
        var all = new ComputePool(threads);
        var one = new ComputePool(1)) {
      var meter = new LimitMeter(all, arena);
      var bench = new KernelTiming.Bench(tier.create(all), tier.create(one), meter, rounds);
      for (List<Weights> some : KernelTable.SPARSE) {
        Map<Integer, Double> dense = new HashMap<>();
        for (Weights weights : some) {
          try (Arena memory = LargePages.arena()) {
            var table = new KernelTable(bench.all(), meter.peaks(), memory);
            List<KernelCase> cases = table.decoder(weights, TOKENS);
            for (int i = 0; i < cases.size(); i++) {
              KernelTiming t = bench.time(cases.get(i));
              dense.putIfAbsent(TOKENS.get(i), t.ofReadByFile());
              double times = t.ofReadByFile() / dense.get(TOKENS.get(i));
              System.out.printf(
                  Locale.ROOT,
                  "%-34s %8.2f ms, %.2f of read bandwidth, %.2fx dense%n",
                  t.timed().name(),
                  t.millis(),
                  t.ofRead(),
                  times);
              ObjectNode line = lines.addObject().put("case", t.timed().name());
              line.put("millis", t.millis()).put("ofRead", t.ofRead()).put("timesDense", times);
            }
          }
        }
      }
    }
  }

  private static ObjectNode measure(
      Transformer model, String share, Plain type, Kernels kernels, int rounds) {
    ObjectNode json = JSON.createObjectNode().put("zeros", share).put("type", type.label());
    try (Arena arena = Arena.ofShared()) {
      Transformer pruned = pruned(stored(model, type, arena), share, arena);
      try (var dense = new Engine(pruned, kernels, ActivationType.F32);
          var chosen = Engine.measured(pruned, kernels, ActivationType.F32)) {
        String found =
            chosen.sparseProducts().stream()
                .map(SparseProducts::text)
                .collect(Collectors.joining("\n  "));
        System.out.println(share + " of " + type.label() + "\n  " + found);
        json.set("products", JSON.valueToTree(chosen.sparseProducts()));
        json.put("denseBytes", dense.sizeBytes()).put("bytes", chosen.sizeBytes());
        var plan = new Timing.Plan(rounds, rounds, Duration.ofSeconds(1));
        try (var one = new Run(dense);
            var other = new Run(chosen)) {
          tell(
              json,
              "generate",
              GENERATED,
              Timing.interleaved(plan, List.of(one::generate, other::generate)));
          tell(
              json,
              "prompt",
              PROMPT,
              Timing.interleaved(plan, List.of(one::prompt, other::prompt)));
        }
      }
    }
    return json;
  }

  private static void tell(ObjectNode json, String what, int tokens, List<Timing> timings) {
    double dense = tokens * 1e9 / timings.get(0).p50Nanos();
    double chosen = tokens * 1e9 / timings.get(1).p50Nanos();
    System.out.printf(
        Locale.ROOT,
        "  %s: dense %.1f tokens/s, chosen %.1f: %.2fx%n",
        what,
        dense,
        chosen,
        chosen / dense);
    ObjectNode speed = json.putObject(what);
    speed.put("denseTokensPerSecond", dense).put("tokensPerSecond", chosen);
    speed.put("timesDense", chosen / dense);
  }

  /** Its layers' matrices in another type. */
  private static Transformer stored(Transformer model, Plain type, Arena arena) {
    return model.map(
        new LayerMap() {
          @Override
          public Linear linear(Role role, Linear layer) {
            return layer.with(Layouts.encode(layer.weight().tensor(), type, arena));
          }
        });
  }

  private static Transformer pruned(Transformer model, String share, Arena arena) {
    Sparsity sparsity = Sparsity.of(share, Criterion.MAGNITUDE.usualScope());
    var prune = new Prune(sparsity, Criterion.MAGNITUDE, LayerSelection.blocks());
    return Recipe.of(share, prune).apply(model, arena).model();
  }

  /** A model that reads and goes on, each time from an empty cache. */
  private record Run(Engine engine, PagedCache cache, int[] ids) implements AutoCloseable {
    Run(Engine engine) {
      this(
          engine,
          new PagedCache(engine.model(), Long.MAX_VALUE),
          new Random(1).ints(PROMPT, 0, engine.model().embeddings().word().entries()).toArray());
    }

    void generate() {
      try (CachedSequence sequence = cache.open(GENERATED)) {
        for (int i = 0; i < GENERATED; i++) {
          engine.next(Batch.of(List.of(new int[] {ids[i]})), cache.of(List.of(sequence)));
        }
      }
    }

    void prompt() {
      try (CachedSequence sequence = cache.open(PROMPT)) {
        engine.next(Batch.of(List.of(ids)), cache.of(List.of(sequence)));
      }
    }

    @Override
    public void close() {
      cache.close();
    }
  }
}
