package dev.hone.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.hone.bench.KernelTable.Weights;
import java.util.Collection;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

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
      each(weights, 1, t -> judge(t, "of read bandwidth", t.ofRead(), wide ? 0.90 : 0.85));
    }
    for (Weights weights : KernelTable.FEW_ROWS) {
      for (int tokens : KernelTable.FEW) {
        each(weights, tokens, t -> judge(t, "of the smaller bound", t.share(), 0.70));
      }
    }
    if (tiles) {
      tiled();
    } else {
      each(KernelTable.F32, 128, t -> judge(t, "of peak", t.ofPeak(), wide ? 0.72 : 0.70));
      each(KernelTable.F32, 512, t -> judge(t, "of peak", t.ofPeak(), wide ? 0.82 : 0.70));
      withDots(KernelTable.INT8, 0.70);
      withDots(KernelTable.Q4_0, 0.50);
      withDots(KernelTable.INT4, 0.50);
      none("products by AMX tiles: this processor has none");
    }
    for (KernelTiming t : timings) {
      if (t.computeBinds()) {
        judge(t, "threads", t.scaling(), 1.8);
      }
    }
    return figures;
  }

  /** Of the smaller of two bounds: the peak of tiles, and memory where weights come from it. */
  private void tiled() {
    for (Weights weights : KernelTable.TILED) {
      each(weights, 128, t -> judge(t, "of the smaller bound", t.share(), 0.45));
      each(weights, 512, t -> judge(t, "of the smaller bound", t.share(), 0.40));
      miniLm(weights, t -> judge(t, "of peak", t.ofPeak(), 0.40));
    }
    miniLm(KernelTable.F32, t -> judge(t, "of floats multiplied and added", t.ofPeak(), 2.2));
  }

  /** A prompt's product of integers. */
  private void withDots(Weights weights, double bound) {
    each(
        weights,
        128,
        t -> {
          if (dots) {
            judge(t, "of peak", t.ofPeak(), bound);
          } else {
            String share = String.format(Locale.ROOT, "%.2f", t.ofPeak());
            none(t.timed().name() + ", of peak (" + share + "): asked with VNNI");
          }
        });
  }

  private void miniLm(Weights weights, Consumer<KernelTiming> then) {
    for (int[] shape : KernelTable.MINILM) {
      each(KernelTable.name(weights, KernelTable.BATCH, shape[0], shape[1]), then);
    }
  }

  private void each(Weights weights, int tokens, Consumer<KernelTiming> then) {
    each(KernelTable.name(weights, tokens, KernelTable.IN, KernelTable.OUT), then);
  }

  private void each(String name, Consumer<KernelTiming> then) {
    timings.stream().filter(t -> t.timed().name().equals(name)).forEach(then);
  }

  private void judge(KernelTiming timing, String what, double value, double bound) {
    String figure = timing.timed().name() + ", " + what;
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
