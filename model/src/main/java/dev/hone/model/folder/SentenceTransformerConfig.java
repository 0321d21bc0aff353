package dev.hone.model.folder;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.Head;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a sentence-transformers folder says beside its encoder: how tokens become one vector, and
 * how texts are prepared. Both spellings are read, that of versions 2 to 4 and that of version 5
 * on.
 *
 * @param encoder the subfolder that holds the encoder; empty: the folder itself
 * @param hidden numbers of a token's vector that the pooling expects
 * @param poolPrompt whether the tokens of a prompt are pooled too; if not, the head alone cannot
 *     say what is meant wherever a prompt is used
 * @param maxTokens tokens of a text that are read, where the folder says it
 * @param lowerCase whether texts are put in lower case before they become tokens
 * @param prompts texts put before a text, by name
 * @param defaultPrompt name of the prompt that is used where none is asked
 * @param weightFileBytes bytes of the files that hold the head's weights
 */
public record SentenceTransformerConfig(
    String encoder,
    Head.SentenceEmbedding head,
    int hidden,
    boolean poolPrompt,
    OptionalInt maxTokens,
    boolean lowerCase,
    Map<String, String> prompts,
    Optional<String> defaultPrompt,
    Similarity similarity,
    long weightFileBytes) {

  /** How the model's vectors are meant to be compared. */
  public enum Similarity {
    COSINE,
    DOT,
    EUCLIDEAN,
    MANHATTAN
  }

  /** What the tokenizer's files write where they know no limit is above this. */
  private static final int NO_LIMIT = 1 << 24;

  /** Names that the encoder's settings have had; the first is today's. */
  static final List<String> ENCODER_SETTINGS =
      List.of(
          "sentence_bert_config.json",
          "sentence_roberta_config.json",
          "sentence_distilbert_config.json",
          "sentence_camembert_config.json",
          "sentence_albert_config.json",
          "sentence_xlm-roberta_config.json",
          "sentence_xlnet_config.json");

  private static final Set<String> ENCODER_FIELDS =
      Set.of(
          "max_seq_length",
          "do_lower_case",
          "transformer_task",
          "modality_config",
          "module_output_name");

  public SentenceTransformerConfig {
    prompts = Map.copyOf(prompts);
  }

  /**
   * Reads a folder.
   *
   * @param arena owns the weights of dense layers
   * @return nothing where the folder has no {@code modules.json}
   */
  public static Optional<SentenceTransformerConfig> read(Path folder, Arena arena) {
    if (!Files.exists(folder.resolve("modules.json"))) {
      return Optional.empty();
    }
    Optional<Config> general =
        Optional.of(folder.resolve("config_sentence_transformers.json"))
            .filter(Files::exists)
            .map(Config::read);
    general.ifPresent(c -> c.require("model_type", "SentenceTransformer"));
    SentenceModules modules = SentenceModules.read(folder, dimensions(general), arena);
    Path encoder = folder.resolve(modules.encoder());
    Optional<Config> settings =
        ENCODER_SETTINGS.stream()
            .map(encoder::resolve)
            .filter(Files::exists)
            .findFirst()
            .map(Config::read);
    settings.ifPresent(SentenceTransformerConfig::checkEncoder);
    Map<String, String> prompts = general.map(SentenceTransformerConfig::prompts).orElse(Map.of());
    return Optional.of(
        new SentenceTransformerConfig(
            modules.encoder(),
            modules.head(),
            modules.hidden(),
            modules.poolPrompt(),
            maxTokens(encoder, settings),
            settings.map(s -> s.flag("do_lower_case", false)).orElse(false),
            prompts,
            general.flatMap(c -> defaultPrompt(c, prompts)),
            general.map(SentenceTransformerConfig::similarity).orElse(Similarity.COSINE),
            modules.weightFileBytes()));
  }

  private static int dimensions(Optional<Config> config) {
    return config.map(c -> c.positive("truncate_dim", Integer.MAX_VALUE, 0)).orElse(0);
  }

  private static Map<String, String> prompts(Config config) {
    Map<String, String> prompts = new LinkedHashMap<>();
    Optional<Config> listed = config.object("prompts");
    if (listed.isPresent()) {
      for (Map.Entry<String, JsonNode> prompt : listed.get().json().properties()) {
        prompts.put(prompt.getKey(), listed.get().text(prompt.getKey(), ""));
      }
    }
    return prompts;
  }

  private static Optional<String> defaultPrompt(Config config, Map<String, String> prompts) {
    if (!config.has("default_prompt_name")) {
      return Optional.empty();
    }
    String name = config.text("default_prompt_name");
    if (!prompts.containsKey(name)) {
      throw config.wrong("default_prompt_name", "one of the prompts " + prompts.keySet());
    }
    return Optional.of(name);
  }

  private static Similarity similarity(Config config) {
    return switch (config.text("similarity_fn_name", "cosine")) {
      case "cosine" -> Similarity.COSINE;
      case "dot" -> Similarity.DOT;
      case "euclidean" -> Similarity.EUCLIDEAN;
      case "manhattan" -> Similarity.MANHATTAN;
      default ->
          throw config.wrong("similarity_fn_name", "one of cosine, dot, euclidean, manhattan");
    };
  }

  /** The old spelling has the limit in the encoder's settings, the new one in the tokenizer's. */
  private static OptionalInt maxTokens(Path encoder, Optional<Config> settings) {
    if (settings.isPresent() && settings.get().has("max_seq_length")) {
      return OptionalInt.of(settings.get().positive("max_seq_length", NO_LIMIT));
    }
    Path tokenizer = encoder.resolve("tokenizer_config.json");
    if (!Files.exists(tokenizer)) {
      return OptionalInt.empty();
    }
    Config config = Config.read(tokenizer);
    if (!config.has("model_max_length")) {
      return OptionalInt.empty();
    }
    boolean none =
        config.json().get("model_max_length").isNumber()
            && config.json().get("model_max_length").asDouble() > NO_LIMIT;
    return none
        ? OptionalInt.empty()
        : OptionalInt.of(config.positive("model_max_length", NO_LIMIT));
  }

  private static void checkEncoder(Config settings) {
    settings.refuseOthers(ENCODER_FIELDS);
    settings.require("transformer_task", "feature-extraction");
    settings.require("module_output_name", "token_embeddings");
    Optional<Config> modalities = settings.object("modality_config");
    if (modalities.isPresent()) {
      Config text =
          modalities
              .get()
              .object("text")
              .orElseThrow(() -> settings.wrong("modality_config", "with text among its fields"));
      text.require("method", "forward");
      text.require("method_output_name", "last_hidden_state");
    }
  }

  /** An error about the list of modules. */
  static FormatException unsupported(Path folder, String what) {
    return new FormatException(folder.resolve("modules.json") + ": " + what);
  }
}
