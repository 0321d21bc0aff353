package dev.hone.runtime;

import dev.hone.model.folder.Model;
import dev.hone.model.format.gguf.Metadata;
import dev.hone.tokenizer.ChatTemplate;
import dev.hone.tokenizer.GgufVocabulary;
import dev.hone.tokenizer.Tokenizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model's tokenizer, wherever the model has it: in files beside the weights, or in a GGUF file.
 */
public final class ModelTokenizer {
  private static final String KEYS = "tokenizer.ggml.";

  /** Roles by the names that the keys have: one of them is misspelt in every file. */
  private static final Map<String, String> ROLES =
      Map.of(
          "bos", "bos",
          "eos", "eos",
          "unknown", "unk",
          "seperator", "sep",
          "padding", "pad",
          "cls", "cls",
          "mask", "mask");

  private ModelTokenizer() {}

  /** Loads it; who loads closes. */
  public static Tokenizer load(Model model) {
    return model
        .metadata()
        .map(ModelTokenizer::of)
        .orElseGet(() -> Tokenizer.load(model.encoderFolder()));
  }

  /** The tokenizer that a GGUF file carries under {@code tokenizer.ggml.*}. */
  public static Tokenizer of(Metadata metadata) {
    return Tokenizer.of(vocabulary(metadata));
  }

  /** How a model's makers put a conversation, where they say it. */
  public static Optional<ChatTemplate> chatTemplate(Model model, Tokenizer tokenizer) {
    return model.metadata().isEmpty()
        ? ChatTemplate.load(model.encoderFolder())
        : chatTemplate(model.metadata().get(), tokenizer.specialTokenRoles());
  }

  /** The default one, and others by name. */
  private static Optional<ChatTemplate> chatTemplate(
      Metadata metadata, Map<String, String> specialTokens) {
    String key = "tokenizer.chat_template";
    Map<String, String> texts = new HashMap<>();
    if (metadata.has(key)) {
      texts.put("default", metadata.text(key));
    }
    for (String name : metadata.has(key + "s") ? metadata.texts(key + "s") : List.<String>of()) {
      texts.put(name, metadata.text(key + "." + name));
    }
    return texts.isEmpty()
        ? Optional.empty()
        : Optional.of(ChatTemplate.of(metadata.source(), texts, specialTokens));
  }

  private static GgufVocabulary vocabulary(Metadata metadata) {
    Map<String, Integer> roles = new HashMap<>();
    ROLES.forEach(
        (key, role) -> {
          String id = KEYS + key + "_token_id";
          if (metadata.has(id)) {
            roles.put(role, metadata.integer(id, 0, Integer.MAX_VALUE));
          }
        });
    String types = KEYS + "token_type";
    String scores = KEYS + "scores";
    String merges = KEYS + "merges";
    return new GgufVocabulary(
        metadata.source(),
        metadata.text("general.name", ""),
        metadata.text(KEYS + "model"),
        metadata.text(KEYS + "pre", "default"),
        metadata.texts(KEYS + "tokens"),
        metadata.has(types) ? metadata.integers(types) : new int[0],
        metadata.has(scores) ? metadata.floats(scores) : new float[0],
        metadata.has(merges) ? metadata.texts(merges) : List.of(),
        roles,
        flag(metadata, "add_bos_token"),
        flag(metadata, "add_eos_token"),
        flag(metadata, "add_space_prefix"));
  }

  private static Optional<Boolean> flag(Metadata metadata, String name) {
    return metadata.has(KEYS + name)
        ? Optional.of(metadata.flag(KEYS + name, false))
        : Optional.empty();
  }
}
