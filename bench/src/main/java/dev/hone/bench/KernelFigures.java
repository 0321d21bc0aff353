package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.hone.bench.KernelTable.Weights;
import java.util.Collection;
import java.util.Locale;
import java.util.Set;

/**
 * What is asked of the kernels, and whether it holds. What needs instructions that this processor
 * lacks is listed as not run.
 */
final class KernelFigures {
  private final Collection<KernelTiming> timings;
  private final boolean wide;
  private final boolean dots;
  private final boolean tiles;
  private final ArrayNode figures = new JsonMapper().createArrayNode();

  /**
   * @param features of the processor, as /proc/cpuinfo spells them
   */
  KernelFigures(Collection<KernelTiming> timings, Set<String> features) {
    this.timings = timings;
    this.wide = features.containsAll(Set.of("avx512f", "avx512bw", "avx512dq", "avx512vl"));
    this.dots = features.contains("avx_vnni") || wide && features.contains("avx512_vnni");
    this.tiles = features.contains("amx_tile");
  }

  /** All of them, a line each on standard output. */
  ArrayNode judge() {
    for (Weights weights : KernelTable.BLOCKS) {
      String name = KernelTable.name(weights, 1, KernelTable.IN, KernelTable.OUT);
      each(name, t -> judge(name + ", of read bandwidth", t.ofRead(), wide ? 0.90 : 0.85));
    }
    for (Weights weights : KernelTable.FEW_ROWS) {
      for (int tokens : KernelTable.FEW) {
        String name = KernelTable.name(weights, tokens, KernelTable.IN, KernelTable.OUT);
        each(name, t -> judge(name + ", of the smaller bound", t.share(), 0.70));
      }
    }
    many(KernelTable.F32, 128, wide ? 0.72 : 0.70, true);
    many(KernelTable.F32, 512, wide ? 0.82 : 0.70, true);
    many(KernelTable.INT8, 128, 0.70, dots);
    many(KernelTable.Q4_0, 128, 0.50, dots);
    many(KernelTable.INT4, 128, 0.50, dots);
    for (KernelTiming t : timings) {
      if (t.computeBinds()) {
        judge(t.timed().name() + ", threads", t.scaling(), 1.8);
      }
    }
    if (tiles) {
      none("products by AMX tiles: there are none yet");
    } else {
      none("products by AMX tiles: this processor has none");
    }
    return figures;
  }

  private void many(Weights weights, int tokens, double bound, boolean asked) {
    String name = KernelTable.name(weights, tokens, KernelTable.IN, KernelTable.OUT);
    each(
        name,
        t -> {
          if (asked) {
            judge(name + ", of peak", t.ofPeak(), bound);
          } else {
            none(
                String.format(
                    Locale.ROOT, "%s, of peak (%.2f): asked with VNNI", name, t.ofPeak()));
          }
        });
  }

  private void each(String name, java.util.function.Consumer<KernelTiming> then) {
    timings.stream().filter(t -> t.timed().name().equals(name)).forEach(then);
  }

  private void judge(String figure, double value, double bound) {
    boolean holds = value >= bound;
    System.out.printf(
        Locale.ROOT,
        "%-6s %.2f  asked %.2f  %s%n",
        holds ? "holds" : "FAILS",
        value,
        bound,
        figure);
    figures
        .addObject()
        .put("figure", figure)
        .put("value", Math.round(value * 1000) / 1000.0)
        .put("asked", bound)
        .put("holds", holds);
  }

  private void none(String what) {
    System.out.println("not run            " + what);
    figures.addObject().put("figure", what).put("holds", "not run");
  }
}
