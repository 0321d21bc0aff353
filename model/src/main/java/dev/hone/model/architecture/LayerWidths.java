package dev.hone.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.Linear;
import dev.hone.model.Projections;
import dev.hone.model.Transformer;
import dev.hone.model.Widths;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.tensor.AttentionShape;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * Models whose layers are not all equally wide, as pruning leaves them: the config's {@code
 * hone_widths}, a field of Hone's own, says so layer by layer, and every other field says what the
 * model was before. Weights have their usual names in their smaller shapes. Where nothing but the
 * heads of keys is less, alike in all layers, configs that name their number say so instead, and
 * other programs read it too.
 *
 * <pre>
 *   "hone_widths": {
 *     "heads": [12, 9, 10],             of queries
 *     "kv_heads": [12, 9, 10],          of keys and values
 *     "intermediate": [1536, 800, 96]   neurons of the feed-forward; 0 where it has experts
 *   }
 * </pre>
 */
public final class LayerWidths {
  private static final String FIELD = "hone_widths";
  private static final String HEADS = "heads";
  private static final String KV_HEADS = "kv_heads";
  private static final String SHARED_KEYS = "num_key_value_heads";
  private static final String INTERMEDIATE = "intermediate";

  private LayerWidths() {}

  /**
   * Reads a model by its architecture, every layer as wide as the config says.
   *
   * @throws FormatException where the weights have other shapes
   */
  public static Transformer read(Config config, Layers layers) {
    Architecture architecture = Architectures.of(config);
    if (!config.has(FIELD)) {
      return architecture.read(config, layers);
    }
    Config widths = config.object(FIELD).orElseThrow();
    widths.refuseOthers(Set.of(HEADS, KV_HEADS, INTERMEDIATE));
    Set<String> narrowed = new HashSet<>();
    Transformer model = architecture.read(config, layers.narrowed(narrowed));
    int count = model.blocks().size();
    int[] heads = list(widths, HEADS, count, 1);
    int[] kvHeads = list(widths, KV_HEADS, count, 1);
    int[] intermediate = list(widths, INTERMEDIATE, count, 0);
    for (int i = 0; i < count; i++) {
      check(
          widths.source() + ": layer " + i,
          model.blocks().get(i),
          new Widths(heads[i], kvHeads[i], intermediate[i]),
          model.hidden(),
          narrowed);
    }
    if (!narrowed.isEmpty()) {
      throw new FormatException(
          config.source()
              + ": "
              + narrowed.iterator().next()
              + " is smaller than the config promises, and "
              + FIELD
              + " says nothing of it");
    }
    return model.with(model.blocks().stream().map(Widths::fitted).toList());
  }

  private static int[] list(Config widths, String field, int count, int least) {
    JsonNode list = widths.json().path(field);
    int[] values = new int[count];
    boolean right = list.isArray() && list.size() == count;
    for (int i = 0; right && i < count; i++) {
      JsonNode value = list.get(i);
      right = value.isInt() && value.asInt() >= least && value.asInt() <= ConfigLimits.WIDTH;
      values[i] = value.asInt();
    }
    if (!right) {
      throw widths.wrong(
          field,
          "a list of " + count + " whole numbers from " + least + " to " + ConfigLimits.WIDTH);
    }
    return values;
  }

  private static void check(
      String layer, Block block, Widths widths, int hidden, Set<String> narrowed) {
    AttentionShape whole = block.attention().shape();
    int queries = widths.heads() * whole.headDim();
    int keys = widths.kvHeads() * whole.headDim();
    if (widths.heads() % widths.kvHeads() != 0) {
      throw new FormatException(
          layer
              + ": "
              + widths.heads()
              + " heads over "
              + widths.kvHeads()
              + " of keys: there must be as many of them for each");
    }
    switch (block.attention().projections()) {
      case Projections.Separate p -> {
        shaped(p.query(), queries, hidden, narrowed);
        shaped(p.key(), keys, hidden, narrowed);
        shaped(p.value(), keys, hidden, narrowed);
      }
      case Projections.Fused p -> shaped(p.all(), queries + 2 * keys, hidden, narrowed);
    }
    shaped(block.attention().output(), hidden, queries, narrowed);
    int neurons = widths.intermediate();
    switch (block.feedForward()) {
      case FeedForward.Mlp mlp -> {
        shaped(mlp.up(), neurons, hidden, narrowed);
        shaped(mlp.down(), hidden, neurons, narrowed);
      }
      case FeedForward.Gated gated -> {
        shaped(gated.gate(), neurons, hidden, narrowed);
        shaped(gated.up(), neurons, hidden, narrowed);
        shaped(gated.down(), hidden, neurons, narrowed);
      }
      case FeedForward.FusedGated gated -> {
        shaped(gated.gateUp(), 2 * neurons, hidden, narrowed);
        shaped(gated.down(), hidden, neurons, narrowed);
      }
      case FeedForward.Experts _ -> {
        if (neurons != 0) {
          throw new FormatException(
              layer + ": intermediate=" + neurons + ": 0 where there are experts");
        }
      }
    }
  }

  private static void shaped(Linear layer, int out, int in, Set<String> narrowed) {
    if (layer.out() != out || layer.in() != in || out == 0 || in == 0) {
      throw new FormatException(
          "tensor="
              + layer.weight().name()
              + ", out="
              + layer.out()
              + ", in="
              + layer.in()
              + ": "
              + FIELD
              + " promises out="
              + out
              + ", in="
              + in
              + "; config and weights belong to different models");
    }
    narrowed.remove(layer.weight().name());
  }

  /** Says in the config of a changed model how wide its layers are, where that is not as before. */
  public static void write(Transformer before, Transformer after, ObjectNode config) {
    List<Widths> widths = Widths.of(after);
    List<Widths> promised = promised(before, widths.size());
    boolean listed = config.has(FIELD);
    if (widths.equals(promised) && (!listed || widths.size() == before.blocks().size())) {
      return; // as wide as the config says already
    }
    if (config.has(SHARED_KEYS) && !listed && joined(promised, widths)) {
      config.put(SHARED_KEYS, widths.getFirst().kvHeads());
      return;
    }
    ObjectNode field = config.putObject(FIELD);
    put(field.putArray(HEADS), widths, Widths::heads);
    put(field.putArray(KV_HEADS), widths, Widths::kvHeads);
    put(field.putArray(INTERMEDIATE), widths, Widths::intermediate);
  }

  /** How wide so many layers are where nothing is said: as the one that stood in their place. */
  private static List<Widths> promised(Transformer before, int count) {
    List<Block> blocks = before.blocks();
    return IntStream.range(0, count)
        .mapToObj(i -> Widths.of(blocks.get(Math.min(i, blocks.size() - 1))))
        .toList();
  }

  /** Whether all layers have as many heads of keys, and else are what they were. */
  private static boolean joined(List<Widths> before, List<Widths> after) {
    int kvHeads = after.getFirst().kvHeads();
    return before.stream()
        .map(w -> new Widths(w.heads(), kvHeads, w.intermediate()))
        .toList()
        .equals(after);
  }

  private static void put(ArrayNode array, List<Widths> widths, ToIntFunction<Widths> width) {
    widths.forEach(w -> array.add(width.applyAsInt(w)));
  }
}
