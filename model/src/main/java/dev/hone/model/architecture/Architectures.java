package dev.hone.model.architecture;

import dev.hone.model.format.Config;
import java.util.Map;
import java.util.TreeSet;

/** Every architecture under the {@code model_type} of its config. */
public final class Architectures {
  private static final Map<String, Architecture> BY_MODEL_TYPE =
      Map.ofEntries(
          Map.entry("bert", new Bert("bert", false)),
          Map.entry("distilbert", new DistilBert()),
          Map.entry("gemma2", new Gemma2()),
          Map.entry("gemma3_text", new Gemma3()),
          Map.entry("gpt2", new Gpt2()),
          Map.entry("gpt_neox", new GptNeoX()),
          Map.entry("llama", new Llama(Windows.NONE)),
          Map.entry("mistral", new Llama(Windows.EVERY_LAYER)),
          Map.entry("mixtral", new Mixtral()),
          Map.entry("modernbert", new ModernBert()),
          Map.entry("mpnet", new MpNet()),
          Map.entry("olmo2", new Olmo2()),
          Map.entry("phi3", new Phi3()),
          Map.entry("qwen2", new Llama(Windows.UPPER_LAYERS)),
          Map.entry("qwen3", new Qwen3()),
          Map.entry("qwen3_moe", new Qwen3Moe()),
          Map.entry("roberta", new Bert("roberta", true)),
          Map.entry("xlm-roberta", new Bert("roberta", true)));

  private Architectures() {}

  public static Architecture of(Config config) {
    Architecture architecture = BY_MODEL_TYPE.get(config.text("model_type"));
    if (architecture == null) {
      throw config.wrong("model_type", "one of " + new TreeSet<>(BY_MODEL_TYPE.keySet()));
    }
    return architecture;
  }
}
