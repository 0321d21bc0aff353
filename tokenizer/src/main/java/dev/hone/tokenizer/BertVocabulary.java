package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A BERT {@code vocab.txt}: one token a line, its line number the id. It becomes the {@code
 * tokenizer.json} that the same vocabulary is published with today.
 *
 * <p>How the text is cleaned stands in {@code tokenizer_config.json}; without one, as for
 * bert-base-uncased. A token that stands on two lines has the id of the later one, as in
 * transformers.
 */
final class BertVocabulary {

  private static final int MAX_TOKENS = 4 << 20;
  private static final int MAX_TOKEN_CHARS = 1 << 16;

  private BertVocabulary() {}

  /** The tokenizer of a vocabulary, in the form of {@code tokenizer.json}. */
  static ObjectNode tokenizer(Path file, TokenizerConfig config) {
    Map<String, Integer> vocabulary = read(file);
    Map<String, String> roles = new LinkedHashMap<>();
    roles.put("pad", "[PAD]");
    roles.put("unk", "[UNK]");
    roles.put("cls", "[CLS]");
    roles.put("sep", "[SEP]");
    roles.put("mask", "[MASK]");
    Map<String, String> configured = config.specialTokens();
    roles.replaceAll(configured::getOrDefault);
    for (String role : new String[] {"unk", "cls", "sep"}) {
      if (!vocabulary.containsKey(roles.get(role))) {
        throw new TokenizerException(
            "Not a vocabulary of BERT: file="
                + file
                + ", missing token="
                + roles.get(role)
                + ", tokens="
                + vocabulary.size()
                + "; only BERT's vocab.txt can be used without a tokenizer.json");
      }
    }

    ObjectNode json = TokenizerJson.object();
    json.put("version", "1.0");
    ArrayNode added = json.putArray("added_tokens");
    for (String token : roles.values()) {
      if (vocabulary.containsKey(token)) {
        added
            .addObject()
            .put("id", vocabulary.get(token))
            .put("content", token)
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", true);
      }
    }
    Boolean lowerCase = config.flag("do_lower_case");
    Boolean chinese = config.flag("tokenize_chinese_chars");
    json.putObject("normalizer")
        .put("type", "BertNormalizer")
        .put("clean_text", true)
        .put("handle_chinese_chars", chinese == null || chinese)
        .put("strip_accents", config.flag("strip_accents"))
        .put("lowercase", lowerCase == null || lowerCase);
    json.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
    template(json.putObject("post_processor"), roles.get("cls"), roles.get("sep"), vocabulary);
    json.putObject("decoder").put("type", "WordPiece").put("prefix", "##").put("cleanup", true);
    ObjectNode model =
        json.putObject("model")
            .put("type", "WordPiece")
            .put("unk_token", roles.get("unk"))
            .put("continuing_subword_prefix", "##")
            .put("max_input_chars_per_word", 100);
    ObjectNode ids = model.putObject("vocab");
    vocabulary.forEach(ids::put);
    return json;
  }

  /** {@code [CLS] A [SEP]} and {@code [CLS] A [SEP] B [SEP]}, B and its end with type id 1. */
  static void template(
      ObjectNode processor, String cls, String sep, Map<String, Integer> vocabulary) {
    processor.put("type", "TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    piece(single, "SpecialToken", cls, 0);
    piece(single, "Sequence", "A", 0);
    piece(single, "SpecialToken", sep, 0);
    ArrayNode pair = processor.putArray("pair").addAll(single.deepCopy());
    piece(pair, "Sequence", "B", 1);
    piece(pair, "SpecialToken", sep, 1);
    ObjectNode special = processor.putObject("special_tokens");
    for (String token : new String[] {cls, sep}) {
      ObjectNode entry = special.putObject(token).put("id", token);
      entry.putArray("ids").add(vocabulary.get(token));
      entry.putArray("tokens").add(token);
    }
  }

  static void piece(ArrayNode template, String kind, String id, int typeId) {
    template.addObject().putObject(kind).put("id", id).put("type_id", typeId);
  }

  private static Map<String, Integer> read(Path file) {
    try {
      byte[] bytes = TokenizerJson.bytes(file);
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(
                  new ByteArrayInputStream(bytes), StandardCharsets.UTF_8.newDecoder()));
      Map<String, Integer> vocabulary = new LinkedHashMap<>();
      int line = 0;
      for (String token = lines.readLine(); token != null; token = lines.readLine()) {
        if (line == MAX_TOKENS || token.length() > MAX_TOKEN_CHARS) {
          throw new TokenizerException(
              "Not a vocabulary: file="
                  + file
                  + ", line="
                  + (line + 1)
                  + ", chars="
                  + token.length()
                  + ", limits="
                  + MAX_TOKENS
                  + " lines of "
                  + MAX_TOKEN_CHARS
                  + " chars");
        }
        vocabulary.put(token, line++);
      }
      return vocabulary;
    } catch (CharacterCodingException e) {
      throw new TokenizerException("Not UTF-8: file=" + file, e);
    } catch (IOException e) {
      throw new TokenizerException("Cannot be read: file=" + file + ": " + e, e);
    }
  }
}
