package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** What Hone reads of {@code tokenizer_config.json}; a folder without one has the defaults. */
final class TokenizerConfig {

  private static final String FILE = "tokenizer_config.json";
  private static final String SUFFIX = "_token";

  /** transformers writes 1e30 for "none"; a context of 2^31 tokens does not exist either. */
  private static final long NO_LIMIT = Integer.MAX_VALUE;

  private final Path file;
  private final ObjectNode json;

  private TokenizerConfig(Path file, ObjectNode json) {
    this.file = file;
    this.json = json;
  }

  static TokenizerConfig of(Path folder) {
    Path file = folder.resolve(FILE);
    return new TokenizerConfig(
        file, Files.exists(file) ? TokenizerJson.read(file) : TokenizerJson.object());
  }

  /** What a file that has no such file beside it stands for: roles to tokens. */
  static TokenizerConfig of(Path source, Map<String, String> specialTokens) {
    ObjectNode json = TokenizerJson.object();
    specialTokens.forEach((role, token) -> json.put(role + SUFFIX, token));
    return new TokenizerConfig(source, json);
  }

  /** {@code model_max_length}, if it limits anything. */
  OptionalInt modelMaxTokens() {
    JsonNode length = json.path("model_max_length");
    if (length.isMissingNode() || length.isNull()) {
      return OptionalInt.empty();
    }
    if (!length.isNumber() || length.doubleValue() < 1) {
      throw wrong("model_max_length", "a positive number", length);
    }
    return length.doubleValue() >= NO_LIMIT
        ? OptionalInt.empty()
        : OptionalInt.of(length.intValue());
  }

  /** Whether a text that is too long loses its beginning instead of its end. */
  boolean cutsLeft() {
    JsonNode side = json.path("truncation_side");
    return switch (side.isMissingNode() || side.isNull() ? "right" : side.asText()) {
      case "right" -> false;
      case "left" -> true;
      default -> throw wrong("truncation_side", "left or right", side);
    };
  }

  /**
   * {@code unk}, {@code cls}, {@code sep}, {@code pad}, {@code mask}, {@code bos}, {@code eos} to
   * their tokens.
   */
  Map<String, String> specialTokens() {
    Map<String, String> tokens = new LinkedHashMap<>();
    json.properties()
        .forEach(
            field -> {
              if (field.getKey().endsWith(SUFFIX)) {
                String role =
                    field.getKey().substring(0, field.getKey().length() - SUFFIX.length());
                token(field.getValue()).ifPresent(token -> tokens.put(role, token));
              }
            });
    return tokens;
  }

  /** A flag, or {@code null} where it is absent or null. */
  Boolean flag(String name) {
    JsonNode flag = json.path(name);
    if (flag.isMissingNode() || flag.isNull()) {
      return null;
    }
    if (!flag.isBoolean()) {
      throw wrong(name, "true or false", flag);
    }
    return flag.booleanValue();
  }

  /** A token is a string, or an object whose content it is; other fields end in "_token" too. */
  private static Optional<String> token(JsonNode value) {
    JsonNode content = value.isObject() ? value.path("content") : value;
    return content.isTextual() ? Optional.of(content.textValue()) : Optional.empty();
  }

  private TokenizerException wrong(String field, String expected, JsonNode found) {
    return new TokenizerException(
        "Wrong value: file="
            + file
            + ", field="
            + field
            + ", expected="
            + expected
            + ", found="
            + found);
  }
}
