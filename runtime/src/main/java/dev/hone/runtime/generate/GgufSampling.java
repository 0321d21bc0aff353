package dev.hone.runtime.generate;

import dev.hone.model.format.gguf.Metadata;
import dev.hone.model.format.gguf.MetadataValue;
import java.util.List;
import java.util.function.Consumer;

/**
 * How a GGUF file says that tokens are chosen: {@code general.sampling.*}, which llama.cpp's
 * converter takes from {@code generation_config.json}. So what is missing is what transformers
 * takes where that says nothing; a file with none of the keys chooses the largest logits.
 */
final class GgufSampling {
  private static final String PREFIX = "general.sampling.";
  private static final int MOST_TOP_K = 1 << 28;

  /** Keys under which tokens are drawn, not taken by their logits. */
  private static final List<String> DRAWN = List.of("temp", "top_k", "top_p", "min_p");

  /** What Hone does not do; a zero asks for nothing. */
  private static final List<String> UNKNOWN =
      List.of("sequence", "xtc_probability", "mirostat", "penalty_last_n");

  private GgufSampling() {}

  /**
   * Reads the keys.
   *
   * @param onWarning told of those that Hone has nothing for
   * @throws IllegalArgumentException where a number is none that samples
   */
  static Sampling of(Metadata metadata, Consumer<String> onWarning) {
    for (String key : UNKNOWN) {
      MetadataValue value = metadata.values().get(PREFIX + key);
      if (value != null && !value.toString().matches("0(\\.0)?")) {
        onWarning.accept(
            metadata.source()
                + ": "
                + PREFIX
                + key
                + "="
                + value
                + " is left out: unknown to Hone");
      }
    }
    float repetition = (float) metadata.number(PREFIX + "penalty_repeat", 1);
    Sampling greedy = Sampling.greedy().penalties(repetition, 0, 0);
    if (DRAWN.stream().noneMatch(key -> metadata.has(PREFIX + key))) {
      return greedy;
    }
    float temperature = (float) metadata.number(PREFIX + "temp", 1);
    return temperature == 0
        ? greedy
        : greedy
            .temperature(temperature)
            .only(
                metadata.integer(PREFIX + "top_k", 0, MOST_TOP_K, GenerationConfig.TOP_K),
                (float) metadata.number(PREFIX + "top_p", 1),
                (float) metadata.number(PREFIX + "min_p", 0));
  }
}
