package dev.hone.model.format.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Config;
import java.util.Arrays;

/**
 * What the angle of each pair of a RoPE is divided by, where llama.cpp has it in a tensor: Llama
 * 3's scaling worked out, and LongRoPE's lists.
 */
final class RopeFactors {
  private static final int MOST = 1 << 28;

  private RopeFactors() {}

  static float[] list(Config rope, String field) {
    JsonNode list = rope.json().path(field);
    if (!list.isArray() || list.isEmpty()) {
      throw rope.wrong(field, "a list of numbers");
    }
    float[] values = new float[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) list.get(i).asDouble();
    }
    return values;
  }

  /** Whether short and long texts have the same: what {@link MetadataConfig} makes of Llama 3's. */
  static boolean areOne(Config rope) {
    return rope.number("attention_factor", 0) == 1
        && Arrays.equals(list(rope, "long_factor"), list(rope, "short_factor"));
  }

  static int originalContext(Config config, Config rope) {
    String field = "original_max_position_embeddings";
    return rope.positive(
        field,
        MOST,
        config.positive(field, MOST, config.positive("max_position_embeddings", MOST)));
  }

  /** What cosine and sine are multiplied by: Ding et al., "LongRoPE", as transformers has it. */
  static float attentionFactor(Config config, Config rope) {
    if (rope.has("attention_factor")) {
      return rope.number("attention_factor");
    }
    int original = originalContext(config, rope);
    double factor = config.positive("max_position_embeddings", MOST) / (double) original;
    factor = factor > 1 ? factor : rope.number("factor", 1);
    return factor <= 1 ? 1 : (float) Math.sqrt(1 + Math.log(factor) / Math.log(original));
  }

  /**
   * Llama 3.1's: waves that fit the original context {@code high_freq_factor} times stay, those
   * that fit it less than {@code low_freq_factor} times are slowed by {@code factor}, between them
   * the speed is interpolated.
   */
  static float[] llama3(Config rope, float base, int headDim, Config config) {
    double factor = rope.number("factor", 8);
    double low = rope.number("low_freq_factor", 1);
    double high = rope.number("high_freq_factor", 4);
    double original = originalContext(config, rope);
    float[] factors = new float[headDim / 2];
    for (int i = 0; i < factors.length; i++) {
      double wave = 2 * Math.PI * Math.pow(base, 2.0 * i / headDim);
      double fits = original / wave;
      double smooth = Math.clamp((fits - low) / (high - low), 0, 1);
      factors[i] = (float) (1 / ((1 - smooth) / factor + smooth));
    }
    return factors;
  }
}
