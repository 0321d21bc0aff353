package dev.hone.model.architecture;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Block;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.AttentionMask;
import java.util.List;

/**
 * Models with fewer layers than they were published with: the config's own field says how many, and
 * where some see a window only, {@code layer_types} says which, as other programs read it too.
 */
public final class LayerCount {
  private static final List<String> COUNTS = List.of("num_hidden_layers", "n_layers", "n_layer");
  private static final String TYPES = "layer_types";

  private LayerCount() {}

  /** The config of a changed model. */
  public static Config config(Config config, Transformer before, Transformer after) {
    ObjectNode json = config.json().deepCopy();
    write(before, after, json);
    return new Config(config.source(), json);
  }

  /** Says in the config of a changed model which layers it has, where they are not as many. */
  public static void write(Transformer before, Transformer after, ObjectNode config) {
    if (after.blocks().size() == before.blocks().size()) {
      return;
    }
    String count = COUNTS.stream().filter(config::has).findFirst().orElseThrow();
    config.put(count, after.blocks().size());
    boolean alike = before.blocks().stream().map(LayerCount::mask).distinct().count() == 1;
    if (config.has(TYPES) || !alike) {
      ArrayNode types = config.putArray(TYPES);
      after.blocks().forEach(block -> types.add(slides(block) ? Windows.SLIDING : Windows.FULL));
    }
  }

  private static AttentionMask mask(Block block) {
    return block.attention().mask();
  }

  private static boolean slides(Block block) {
    return mask(block).before() != Integer.MAX_VALUE;
  }
}
