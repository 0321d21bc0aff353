package dev.hone.tokenizer;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Checks normalizer, pre-tokenizer, post-processor and decoder: that the library knows each part,
 * and that no part can make it panic, loop, or blow a text up.
 */
final class ComponentCheck {

  /** The longest text of all; a regular expression or a growing replacement lowers it. */
  private static final int MAX_TEXT_CHARS = 4 << 20;

  /** A token that eats the spaces beside it makes the library look at the text once a token. */
  private static final int MAX_TEXT_CHARS_OF_STRIPPING = 1 << 19;

  private static final int MAX_PARTS = 64;
  private static final int MAX_GROWTH = 64;
  private static final int MAX_TYPE_ID = 15;

  private static final Set<String> NORMALIZERS =
      Set.of(
          "BertNormalizer",
          "Strip",
          "StripAccents",
          "NFC",
          "NFD",
          "NFKC",
          "NFKD",
          "Lowercase",
          "Nmt",
          "Precompiled",
          "Replace",
          "Prepend",
          "ByteLevel",
          "Sequence");
  private static final Set<String> PRE_TOKENIZERS =
      Set.of(
          "BertPreTokenizer",
          "ByteLevel",
          "CharDelimiterSplit",
          "Metaspace",
          "Whitespace",
          "Sequence",
          "Split",
          "Punctuation",
          "WhitespaceSplit",
          "Digits",
          "UnicodeScripts");
  private static final Set<String> POST_PROCESSORS =
      Set.of("RobertaProcessing", "BertProcessing", "ByteLevel", "TemplateProcessing", "Sequence");
  private static final Set<String> DECODERS =
      Set.of(
          "BPEDecoder",
          "ByteLevel",
          "WordPiece",
          "Metaspace",
          "CTC",
          "Sequence",
          "Replace",
          "Fuse",
          "Strip",
          "ByteFallback");

  private final Set<Integer> ids;
  private int parts;
  private int backtracking;
  private long growth = 1;

  /**
   * @param ids all ids of the vocabulary
   */
  ComponentCheck(Set<Integer> ids) {
    this.ids = ids;
  }

  /** Checks all four and says how long a text may be, in {@code char}s. */
  int check(JsonField root) {
    parts(root.at("normalizer"), NORMALIZERS, "normalizers");
    parts(root.at("pre_tokenizer"), PRE_TOKENIZERS, "pretokenizers");
    parts(root.at("post_processor"), POST_PROCESSORS, "processors");
    long growthOfText = growth;
    parts(root.at("decoder"), DECODERS, "decoders");
    boolean strips = false;
    for (var token : root.node().path("added_tokens")) {
      strips |= token.path("lstrip").asBoolean() || token.path("single_word").asBoolean();
    }
    int chars = Math.min(MAX_TEXT_CHARS, PatternCheck.MAX_STEPS / Math.max(1, backtracking));
    return (int) ((strips ? Math.min(chars, MAX_TEXT_CHARS_OF_STRIPPING) : chars) / growthOfText);
  }

  private void parts(JsonField part, Set<String> known, String listName) {
    if (part.isAbsent()) {
      return;
    }
    part.object().check(++parts <= MAX_PARTS, "at most " + MAX_PARTS + " parts");
    String type = part.at("type").text();
    part.at("type").check(known.contains(type), "one of " + known.stream().sorted().toList());
    switch (type) {
      case "Sequence" -> part.at(listName).items().forEach(one -> parts(one, known, listName));
      case "Replace" -> {
        pattern(part.at("pattern"));
        grows(part.at("content"));
      }
      case "Prepend" -> grows(part.at("prepend"));
      case "Split" -> pattern(part.at("pattern"));
      case "Precompiled" -> CharsMapCheck.check(part.at("precompiled_charsmap"));
      case "TemplateProcessing" -> template(part);
      case "RobertaProcessing", "BertProcessing" -> {
        tokenAndId(part.at("cls"));
        tokenAndId(part.at("sep"));
      }
      case "Strip" -> {
        if (listName.equals("decoders")) {
          part.at("start").integer(0, Integer.MAX_VALUE);
          part.at("stop").integer(0, 0); // the library counts below an empty token's start
        }
      }
      default -> {} // the rest has flags and single characters, which the library checks
    }
  }

  private void pattern(JsonField pattern) {
    JsonField expression = pattern.object().at("Regex");
    if (!expression.isAbsent()) {
      backtracking += PatternCheck.check(expression);
    } else {
      pattern.at("String").text();
    }
  }

  private void grows(JsonField content) {
    growth *= Math.max(1, content.text().length());
    content.check(
        growth <= MAX_GROWTH,
        "replacements that make a text at most " + MAX_GROWTH + " times longer");
  }

  private void tokenAndId(JsonField pair) {
    pair.check(pair.items().size() == 2, "[token, id]");
    pair.items().getFirst().text();
    known(pair.items().getLast());
  }

  private void known(JsonField id) {
    id.check(ids.contains(id.integer(0, TokenizerCheck.MAX_TOKENS - 1)), "an id of the vocabulary");
  }

  private void template(JsonField template) {
    JsonField special = template.at("special_tokens").object();
    Set<String> names = new HashSet<>();
    special.node().fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      JsonField token = special.at(name);
      int tokens = token.at("tokens").items().size();
      token.at("ids").check(token.at("ids").items().size() == tokens, tokens + " ids, one a token");
      token.at("ids").items().forEach(this::known);
    }
    sequences(template.at("single"), names, Map.of("A", 1));
    sequences(template.at("pair"), names, Map.of("A", 1, "B", 1));
  }

  /** The texts must stand in a template once each, or some would be lost and others double. */
  private static void sequences(
      JsonField pieces, Set<String> special, Map<String, Integer> expected) {
    Map<String, Integer> found = new HashMap<>();
    for (JsonField piece : pieces.items()) {
      piece.check(piece.node().size() == 1, "a Sequence or a SpecialToken");
      boolean isText = piece.node().has("Sequence");
      JsonField one = piece.at(isText ? "Sequence" : "SpecialToken").object();
      one.at("type_id").integer(0, MAX_TYPE_ID);
      String id = one.at("id").text();
      if (isText) {
        found.merge(id, 1, Integer::sum);
      } else {
        one.at("id").check(special.contains(id), "one of special_tokens");
      }
    }
    pieces.check(found.equals(expected), "each text once: " + expected.keySet());
  }
}
