package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Tokens and their ids, as a {@code tokenizer.json} lists them: the model's, then the added ones.
 */
final class Vocabulary {

  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, String> tokens = new HashMap<>();
  private final Set<String> special = new LinkedHashSet<>();
  private final Optional<String> subwordPrefix;
  private final OptionalInt unknown;
  private int largestId = -1;

  Vocabulary(ObjectNode tokenizer) {
    JsonNode vocab = tokenizer.path("model").path("vocab");
    if (vocab.isArray()) { // Unigram: [token, score], its index the id
      for (int id = 0; id < vocab.size(); id++) {
        put(vocab.get(id).path(0).asText(), id);
      }
    } else {
      vocab.properties().forEach(entry -> put(entry.getKey(), entry.getValue().intValue()));
    }
    for (JsonNode added : tokenizer.path("added_tokens")) {
      put(added.path("content").asText(), added.path("id").intValue());
      if (added.path("special").asBoolean()) {
        special.add(added.path("content").asText());
      }
    }
    subwordPrefix =
        Optional.of(tokenizer.path("model").path("continuing_subword_prefix").asText(""))
            .filter(prefix -> !prefix.isEmpty());
    unknown = unknown(tokenizer.path("model"), ids);
  }

  private static OptionalInt unknown(JsonNode model, Map<String, Integer> ids) {
    if (model.path("unk_id").isIntegralNumber()) {
      return OptionalInt.of(model.path("unk_id").intValue());
    }
    Integer id = ids.get(model.path("unk_token").asText());
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private void put(String token, int id) {
    ids.put(token, id);
    tokens.put(id, token);
    largestId = Math.max(largestId, id);
  }

  int size() {
    return ids.size();
  }

  int largestId() {
    return largestId;
  }

  OptionalInt id(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  String token(int id) {
    return tokens.get(id);
  }

  /** What tokens begin with that go on with a word: {@code ##}. */
  Optional<String> subwordPrefix() {
    return subwordPrefix;
  }

  /** The token that stands for what has none, where the model names one. */
  OptionalInt unknown() {
    return unknown;
  }

  Set<String> special() {
    return special;
  }
}
