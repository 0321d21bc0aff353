package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Holds a {@code tokenizer.json} against what the native library takes for granted. The library
 * ends the JVM where it panics, so whatever it does not check itself is checked here first.
 */
final class TokenizerCheck {

  /** Ids are below it: the largest published vocabularies have some 300,000 tokens. */
  static final int MAX_TOKENS = 4 << 20;

  private static final int MAX_TOKEN_CHARS = 1 << 16;

  /** The library looks a Unigram token up once a position: text times the longest token. */
  private static final int MAX_UNIGRAM_TOKEN_CHARS = 2048;

  /** The library splits a word in time quadratic to it; published files say 100. */
  private static final int MAX_WORD_CHARS = 1000;

  private TokenizerCheck() {}

  /**
   * Checks a whole file and fills in the model's type where an old file leaves it out.
   *
   * @return how long a text may be, in {@code char}s
   */
  static int check(String file, ObjectNode json) {
    JsonField root = JsonField.root(file, json);
    JsonField model = root.at("model").object();
    inferType((ObjectNode) model.node());
    Set<Integer> ids = model(model);
    addedTokens(root.at("added_tokens"), model.at("vocab").node(), ids);
    return new ComponentCheck(ids).check(root);
  }

  private static void inferType(ObjectNode model) {
    if (!model.path("type").isMissingNode()) {
      return;
    }
    model.put(
        "type",
        model.has("merges")
            ? "BPE"
            : model.path("vocab").isArray()
                ? "Unigram"
                : model.has("continuing_subword_prefix") ? "WordPiece" : "WordLevel");
  }

  private static Set<Integer> model(JsonField model) {
    JsonField vocab = model.at("vocab");
    switch (model.at("type").text()) {
      case "WordPiece" -> {
        model.at("continuing_subword_prefix").text();
        model.at("max_input_chars_per_word").integer(1, MAX_WORD_CHARS);
        unknownToken(model.at("unk_token"), vocab);
      }
      case "WordLevel" -> unknownToken(model.at("unk_token"), vocab);
      case "BPE" -> merges(model);
      case "Unigram" -> {
        return unigram(model, vocab);
      }
      default -> model.at("type").check(false, "WordPiece, WordLevel, BPE or Unigram");
    }
    vocab.object().check(vocab.node().size() <= MAX_TOKENS, "at most " + MAX_TOKENS + " tokens");
    Set<Integer> ids = new HashSet<>();
    for (Map.Entry<String, JsonNode> entry : vocab.node().properties()) {
      boolean fits = entry.getKey().length() <= MAX_TOKEN_CHARS;
      vocab.check(fits, "tokens of at most " + MAX_TOKEN_CHARS + " chars");
      JsonNode id = entry.getValue();
      if (!id.isInt() || id.intValue() < 0 || id.intValue() >= MAX_TOKENS) {
        vocab.at(entry.getKey()).integer(0, MAX_TOKENS - 1);
      }
      ids.add(id.intValue());
    }
    return ids;
  }

  private static void unknownToken(JsonField token, JsonField vocab) {
    token.check(vocab.object().node().has(token.text()), "a token of model.vocab");
  }

  private static void merges(JsonField model) {
    String prefix = model.at("continuing_subword_prefix").textOrNull();
    if (prefix == null || prefix.isEmpty()) {
      return;
    }
    for (JsonField merge : model.at("merges").items()) {
      JsonNode pair = merge.node();
      String second =
          pair.isArray() ? pair.path(1).asText() : pair.asText().replaceFirst("^[^ ]* ", "");
      merge.check(second.startsWith(prefix), "a second token that begins with " + prefix);
    }
  }

  private static Set<Integer> unigram(JsonField model, JsonField vocab) {
    Set<Integer> ids = new HashSet<>();
    for (JsonField piece : vocab.items()) {
      JsonNode pair = piece.node();
      piece.check(
          pair.size() == 2
              && pair.get(0).isTextual()
              && pair.get(0).textValue().length() <= MAX_UNIGRAM_TOKEN_CHARS
              && pair.get(1).isNumber()
              && Double.isFinite(pair.get(1).doubleValue()),
          "[token of at most " + MAX_UNIGRAM_TOKEN_CHARS + " chars, score]");
      ids.add(ids.size());
    }
    vocab.check(!ids.isEmpty() && ids.size() <= MAX_TOKENS, "1 to " + MAX_TOKENS + " tokens");
    if (!model.at("unk_id").isAbsent()) {
      model.at("unk_id").integer(0, ids.size() - 1);
    }
    return ids;
  }

  /**
   * The library takes a token's id from the vocabulary and numbers the rest itself, in order; a
   * file that says otherwise would be read as something it does not say.
   */
  private static void addedTokens(JsonField added, JsonNode vocab, Set<Integer> ids) {
    if (added.isAbsent()) {
      return;
    }
    int next = vocab.size();
    for (JsonField token : added.items()) {
      String content = token.object().at("content").text();
      token
          .at("content")
          .check(content.length() <= MAX_TOKEN_CHARS, "at most " + MAX_TOKEN_CHARS + " chars");
      int id = token.at("id").integer(0, MAX_TOKENS - 1);
      Integer known = id(vocab, content);
      int expected = known == null ? next : known;
      token.at("id").check(id == expected, expected + ", which is the id of " + content);
      next = Math.max(next, known == null ? id + 1 : next);
      ids.add(id);
    }
  }

  private static Integer id(JsonNode vocab, String token) {
    return vocab.has(token) ? vocab.get(token).intValue() : null;
  }
}
