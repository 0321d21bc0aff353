package dev.hone.model.architecture;

import dev.hone.model.format.Config;
import java.util.Map;
import java.util.TreeSet;

/** Every architecture under the {@code model_type} of its config. */
public final class Architectures {
  private static final Map<String, Architecture> BY_MODEL_TYPE =
      Map.of(
          "bert", new Bert("bert", false),
          "distilbert", new DistilBert(),
          "roberta", new Bert("roberta", true),
          "xlm-roberta", new Bert("roberta", true));

  private Architectures() {}

  public static Architecture of(Config config) {
    Architecture architecture = BY_MODEL_TYPE.get(config.text("model_type"));
    if (architecture == null) {
      throw config.wrong("model_type", "one of " + new TreeSet<>(BY_MODEL_TYPE.keySet()));
    }
    return architecture;
  }
}
