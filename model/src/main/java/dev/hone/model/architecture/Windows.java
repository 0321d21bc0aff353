package dev.hone.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Config;
import dev.hone.tensor.AttentionMask;
import java.util.List;

/** Which layers of a decoder see a sliding window only, where {@code layer_types} does not say. */
enum Windows {
  /** None. */
  NONE,
  /** All, where {@code sliding_window} is set; missing, it is 4096. */
  EVERY_LAYER,
  /** All, where {@code sliding_window} is set. */
  EVERY_LAYER_IF_SET,
  /** Those from {@code max_window_layers} on, where {@code use_sliding_window} is true. */
  UPPER_LAYERS,
  /** The first, the third and so on. */
  EVERY_OTHER,
  /** All but each {@code sliding_window_pattern}-th: 6 where that is missing. */
  ALL_BUT_EVERY_NTH;

  static final String SLIDING = "sliding_attention";
  static final String FULL = "full_attention";
  private static final String FIELD = "sliding_window";

  /** What attention of a layer sees. */
  AttentionMask mask(Config config, int layer) {
    return slides(config, layer)
        ? AttentionMask.causal(config.positive(FIELD, Integer.MAX_VALUE, 4096))
        : AttentionMask.CAUSAL;
  }

  boolean slides(Config config, int layer) {
    if (config.has("layer_types")) {
      return type(config, layer).equals(SLIDING);
    }
    return switch (this) {
      case NONE -> false;
      case EVERY_LAYER -> {
        JsonNode window = config.json().path(FIELD);
        yield !window.isNull();
      }
      case EVERY_LAYER_IF_SET -> config.has(FIELD);
      case UPPER_LAYERS ->
          config.flag("use_sliding_window", false)
              && layer >= config.integer("max_window_layers", 28);
      case EVERY_OTHER -> layer % 2 == 0;
      case ALL_BUT_EVERY_NTH -> {
        String field =
            config.has("_sliding_window_pattern")
                ? "_sliding_window_pattern"
                : "sliding_window_pattern";
        yield (layer + 1) % config.positive(field, ConfigLimits.LAYERS, 6) != 0;
      }
    };
  }

  /** What {@code layer_types} calls a layer. */
  static String type(Config config, int layer) {
    List<String> types = config.texts("layer_types");
    if (layer >= types.size() || !List.of(SLIDING, FULL).contains(types.get(layer))) {
      throw config.wrong(
          "layer_types", "a list of " + SLIDING + " or " + FULL + " for every layer");
    }
    return types.get(layer);
  }
}
