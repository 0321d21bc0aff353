package dev.hone.runtime;

import dev.hone.model.format.Config;
import java.util.Optional;

/** What a cross-encoder's one logit says: sentence-transformers' {@code CrossEncoder}. */
enum Relevance {
  SIGMOID,
  TANH,
  LOGIT;

  private static final String OLD_FIELD = "sbert_ce_default_activation_function";

  /** As the config says it; sigmoid where it does not. */
  static Relevance of(Config config) {
    Optional<Config> own = config.object("sentence_transformers");
    if (own.isPresent() && own.get().has("activation_fn")) {
      return of(own.get(), "activation_fn");
    }
    return config.has(OLD_FIELD) ? of(config, OLD_FIELD) : SIGMOID;
  }

  private static Relevance of(Config config, String field) {
    String name = config.text(field);
    return switch (name.startsWith("torch.nn.") ? name.substring(name.lastIndexOf('.') + 1) : "") {
      case "Sigmoid" -> SIGMOID;
      case "Tanh" -> TANH;
      case "Identity" -> LOGIT;
      default -> throw config.wrong(field, "torch's Sigmoid, Tanh or Identity");
    };
  }

  float score(float logit) {
    return switch (this) {
      case SIGMOID -> Probabilities.sigmoid(logit);
      case TANH -> (float) Math.tanh(logit);
      case LOGIT -> logit;
    };
  }
}
