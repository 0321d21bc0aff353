package dev.hone.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.format.Config;

/** What a config's {@code architectures} says of the head. */
enum HeadKind {
  NONE,
  NEXT_TOKEN,
  SEQUENCE_LABELS,
  TOKEN_LABELS;

  static HeadKind of(Config config) {
    for (JsonNode name : config.json().path("architectures")) {
      if (name.asText().endsWith("ForCausalLM") || name.asText().endsWith("LMHeadModel")) {
        return NEXT_TOKEN;
      }
      if (name.asText().endsWith("ForSequenceClassification")) {
        return SEQUENCE_LABELS;
      }
      if (name.asText().endsWith("ForTokenClassification")) {
        return TOKEN_LABELS;
      }
    }
    return NONE;
  }
}
