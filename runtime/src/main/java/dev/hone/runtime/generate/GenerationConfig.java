package dev.hone.runtime.generate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.hone.model.folder.Model;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.Metadata;
import dev.hone.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * What a model's makers say of how it generates: {@code generation_config.json} as transformers
 * takes it. Where it does not say {@code do_sample}, the largest logits are taken. The tokens that
 * end an answer stand there, else in {@code config.json}, else the tokenizer names one; a GGUF file
 * has all of it among its keys.
 */
final class GenerationConfig {
  private static final String FILE = "generation_config.json";
  private static final int MAX_TOKENS = 1 << 30;

  /** What transformers takes where a config that samples says nothing. */
  static final int TOP_K = 50;

  /** Keys of the tokens that end an answer, a turn, or a message. */
  private static final List<String> END_KEYS =
      List.of(
          "tokenizer.ggml.eos_token_id",
          "tokenizer.ggml.eot_token_id",
          "tokenizer.ggml.eom_token_id");

  /** Ends of a turn that GGUF files of models for chat have without a key for them. */
  private static final List<String> END_TOKENS =
      List.of(
          "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>");

  private GenerationConfig() {}

  static GenerationSettings of(Model model, Tokenizer tokenizer, Consumer<String> onWarning) {
    if (model.metadata().isPresent()) {
      return of(model.metadata().get(), tokenizer, onWarning);
    }
    Path file = model.encoderFolder().resolve(FILE);
    Config config =
        Files.exists(file) ? Config.read(file) : Config.parse(FILE, new byte[] {'{', '}'});
    Set<Integer> stops = stopTokens(config);
    if (stops.isEmpty()) {
      stops = stopTokens(model.config());
    }
    if (stops.isEmpty()) {
      String eos = tokenizer.specialTokenRoles().get("eos");
      OptionalInt id = eos == null ? OptionalInt.empty() : tokenizer.tokenToId(eos);
      stops = id.isPresent() ? Set.of(id.getAsInt()) : Set.of();
    }
    try {
      return GenerationSettings.greedy(stops)
          .maxNewTokens(
              config.positive("max_new_tokens", MAX_TOKENS, GenerationSettings.DEFAULT_NEW_TOKENS))
          .sampling(sampling(config));
    } catch (IllegalArgumentException e) {
      throw new FormatException(config.source() + ": " + e.getMessage(), e);
    }
  }

  private static GenerationSettings of(
      Metadata metadata, Tokenizer tokenizer, Consumer<String> onWarning) {
    try {
      return GenerationSettings.greedy(stopTokens(metadata, tokenizer))
          .sampling(GgufSampling.of(metadata, onWarning));
    } catch (IllegalArgumentException e) {
      throw new FormatException(metadata.source() + ": general.sampling: " + e.getMessage(), e);
    }
  }

  private static Sampling sampling(Config config) {
    Sampling greedy = Sampling.greedy().penalties(config.number("repetition_penalty", 1), 0, 0);
    return config.flag("do_sample", false)
        ? greedy
            .temperature(config.number("temperature", 1))
            .only(
                config.integer("top_k", TOP_K),
                config.number("top_p", 1),
                config.number("min_p", 0))
        : greedy;
  }

  /** One id or a list of them. */
  private static Set<Integer> stopTokens(Config config) {
    String field = "eos_token_id";
    if (!config.has(field)) {
      return Set.of();
    }
    JsonNode value = config.json().get(field);
    List<JsonNode> ids = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(ids::add);
    } else {
      ids.add(value);
    }
    Set<Integer> tokens = new TreeSet<>();
    for (JsonNode id : ids) {
      if (!id.isInt() || id.intValue() < 0) {
        throw config.wrong(field, "a token's id, or a list of such");
      }
      tokens.add(id.intValue());
    }
    return tokens;
  }

  private static Set<Integer> stopTokens(Metadata metadata, Tokenizer tokenizer) {
    Set<Integer> tokens = new TreeSet<>();
    for (String key : END_KEYS) {
      if (metadata.has(key)) {
        tokens.add(metadata.integer(key, 0, tokenizer.largestId()));
      }
    }
    for (String token : END_TOKENS) {
      if (tokenizer.specialTokens().contains(token)) {
        tokenizer.tokenToId(token).ifPresent(tokens::add);
      }
    }
    return tokens;
  }
}
