package dev.hone.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The {@code tokenizer.json} that a GGUF file's vocabulary stands for, so that the same library
 * reads both. SentencePiece's scores become merges as transformers makes them: every way to put a
 * token together from two others, the best token first.
 */
final class GgufTokenizer {
  private static final String SPACE = "▁";

  /** SentencePiece's own limit is 16, Gemma's longest token has 31. */
  private static final int MAX_PIECE_CHARS = 1024;

  /** Tokens that keep the spaces behind them although the rest of Phi-3's special ones do not. */
  private static final Set<String> PHI3_KEEPS = Set.of("<unk>", "<s>", "<|endoftext|>");

  private final GgufVocabulary vocabulary;
  private final ObjectNode json = TokenizerJson.object();

  private GgufTokenizer(GgufVocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** The tokenizer of a vocabulary, in the form of {@code tokenizer.json}. */
  static ObjectNode tokenizer(GgufVocabulary vocabulary) {
    GgufTokenizer tokenizer = new GgufTokenizer(vocabulary);
    tokenizer.json.put("version", "1.0");
    tokenizer.addedTokens();
    switch (vocabulary.model()) {
      case "gpt2" -> tokenizer.bytePairs();
      case "llama" -> tokenizer.sentencePiece();
      case "bert" -> tokenizer.wordPiece();
      default ->
          throw new TokenizerException(
              "Unknown tokenizer: file="
                  + vocabulary.source()
                  + ", tokenizer.ggml.model="
                  + vocabulary.model()
                  + ", known=[gpt2, llama, bert]; take the model's folder, which has a"
                  + " tokenizer.json");
    }
    return tokenizer.json;
  }

  private void addedTokens() {
    ArrayNode added = json.putArray("added_tokens");
    String name = vocabulary.name().toLowerCase(Locale.ROOT);
    boolean phi3 = name.contains("phi-3") || name.contains("phi3");
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      String token = vocabulary.tokens().get(id);
      GgufTokenType type = vocabulary.type(id);
      boolean special = type == GgufTokenType.CONTROL || type == GgufTokenType.UNKNOWN;
      if ((special || type == GgufTokenType.USER_DEFINED) && !token.isEmpty()) {
        added
            .addObject()
            .put("id", id)
            .put("content", token)
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", phi3 && !PHI3_KEEPS.contains(token))
            .put("normalized", false)
            .put("special", special);
      }
    }
  }

  private void bytePairs() {
    PreTokenizers.Split split = PreTokenizers.of(vocabulary.source(), vocabulary.pre());
    json.putNull("normalizer");
    ObjectNode pre = json.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode parts = pre.putArray("pretokenizers");
    for (String expression : split.expressions()) {
      ObjectNode part = parts.addObject().put("type", "Split");
      part.putObject("pattern").put("Regex", expression);
      part.put("behavior", "Isolated").put("invert", false);
    }
    byteLevel(parts.addObject());
    byteLevel(json.putObject("decoder"));
    template(PreTokenizers.addsBos(vocabulary.pre()));
    ObjectNode model = model("BPE").put("ignore_merges", split.ignoreMerges());
    model.put("fuse_unk", false).put("byte_fallback", false).putNull("unk_token");
    ArrayNode merges = model.putArray("merges");
    vocabulary.merges().forEach(merges::add);
    vocab(model, vocabulary.tokens());
  }

  private static void byteLevel(ObjectNode part) {
    part.put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", false);
  }

  private ObjectNode model(String type) {
    return json.putObject("model").put("type", type);
  }

  private static void vocab(ObjectNode model, List<String> tokens) {
    ObjectNode ids = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
    }
  }

  private void sentencePiece() {
    boolean prefix = vocabulary.addSpacePrefix().orElse(true);
    ObjectNode normalizer = json.putObject("normalizer").put("type", "Sequence");
    ArrayNode normalizers = normalizer.putArray("normalizers");
    if (prefix) {
      normalizers.addObject().put("type", "Prepend").put("prepend", SPACE);
    }
    replace(normalizers.addObject(), " ", SPACE);
    json.putNull("pre_tokenizer");
    ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
    replace(decoders.addObject(), SPACE, " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefix) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    template(true);
    ObjectNode model = model("BPE").put("fuse_unk", true).put("byte_fallback", true);
    unknown()
        .ifPresentOrElse(token -> model.put("unk_token", token), () -> model.putNull("unk_token"));
    ArrayNode merges = model.putArray("merges");
    for (Merge merge : merges()) {
      merges.addArray().add(merge.left).add(merge.right);
    }
    vocab(model, vocabulary.tokens());
  }

  private static void replace(ObjectNode part, String from, String to) {
    part.put("type", "Replace").putObject("pattern").put("String", from);
    part.put("content", to);
  }

  private Optional<String> unknown() {
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      if (vocabulary.type(id) == GgufTokenType.UNKNOWN) {
        return Optional.of(vocabulary.tokens().get(id));
      }
    }
    return vocabulary.token("unk");
  }

  private record Merge(String left, String right, float score) {}

  private List<Merge> merges() {
    if (vocabulary.scores().length == 0) {
      throw new TokenizerException(
          "Missing: file=" + vocabulary.source() + ", tokenizer.ggml.scores");
    }
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      ids.put(vocabulary.tokens().get(id), id);
    }
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      String token = vocabulary.tokens().get(id);
      if (!isMerged(id)) {
        continue;
      }
      if (token.length() > MAX_PIECE_CHARS) {
        throw new TokenizerException(
            "Token too long: file="
                + vocabulary.source()
                + ", id="
                + id
                + ", chars="
                + token.length()
                + ", limit="
                + MAX_PIECE_CHARS);
      }
      for (int cut = token.offsetByCodePoints(0, token.isEmpty() ? 0 : 1);
          cut < token.length();
          cut = token.offsetByCodePoints(cut, 1)) {
        Integer left = ids.get(token.substring(0, cut));
        Integer right = ids.get(token.substring(cut));
        if (left != null && right != null && isMerged(left) && isMerged(right)) {
          merges.add(
              new Merge(token.substring(0, cut), token.substring(cut), vocabulary.scores()[id]));
        }
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -merge.score)
            .thenComparingInt(merge -> -merge.left.length())
            .thenComparingInt(merge -> -merge.right.length()));
    return merges;
  }

  private boolean isMerged(int id) {
    GgufTokenType type = vocabulary.type(id);
    return type == GgufTokenType.NORMAL || type == GgufTokenType.USER_DEFINED;
  }

  private void wordPiece() {
    List<String> tokens = new ArrayList<>();
    boolean cased = false;
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      String token = vocabulary.tokens().get(id);
      boolean whole =
          vocabulary.type(id) != GgufTokenType.NORMAL
              || isBracketed(token)
              || vocabulary.roles().containsValue(id);
      if (!whole) {
        cased |= token.chars().anyMatch(c -> c >= 'A' && c <= 'Z');
        token = token.startsWith(SPACE) ? token.substring(SPACE.length()) : "##" + token;
      }
      tokens.add(token);
    }
    json.putObject("normalizer")
        .put("type", "BertNormalizer")
        .put("clean_text", true)
        .put("handle_chinese_chars", true)
        .put("lowercase", !cased)
        .putNull("strip_accents");
    json.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
    json.putObject("decoder").put("type", "WordPiece").put("prefix", "##").put("cleanup", true);
    String cls = required("cls", "[CLS]");
    String sep = required("sep", "[SEP]");
    Map<String, Integer> ids = new LinkedHashMap<>(); // both may be one token
    ids.put(cls, tokens.indexOf(cls));
    ids.put(sep, tokens.indexOf(sep));
    BertVocabulary.template(json.putObject("post_processor"), cls, sep, ids);
    ObjectNode model =
        model("WordPiece")
            .put("unk_token", required("unk", "[UNK]"))
            .put("continuing_subword_prefix", "##")
            .put("max_input_chars_per_word", 100);
    vocab(model, tokens);
  }

  private static boolean isBracketed(String token) {
    return token.startsWith("[") && token.endsWith("]");
  }

  /** The token of a role, or the one it usually is. */
  private String required(String role, String usual) {
    return vocabulary
        .token(role)
        .or(() -> Optional.of(usual).filter(vocabulary.tokens()::contains))
        .orElseThrow(
            () ->
                new TokenizerException(
                    "No such token: file="
                        + vocabulary.source()
                        + ", tokenizer.ggml."
                        + role
                        + "_token_id is missing and "
                        + usual
                        + " is no token"));
  }

  /** {@code bos A eos}, as far as the file wants them. */
  private void template(boolean usuallyBos) {
    Optional<String> bos =
        vocabulary.token("bos").filter(_ -> vocabulary.addBos().orElse(usuallyBos));
    Optional<String> eos = vocabulary.token("eos").filter(_ -> vocabulary.addEos().orElse(false));
    if (bos.isEmpty() && eos.isEmpty()) {
      json.putNull("post_processor");
      return;
    }
    ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    ArrayNode pair = processor.putArray("pair");
    around(single, bos, eos, "A", 0);
    around(pair, bos, eos, "A", 0);
    around(pair, bos, eos, "B", 1);
    ObjectNode special = processor.putObject("special_tokens");
    for (String role : new String[] {"bos", "eos"}) {
      Optional<String> token = role.equals("bos") ? bos : eos;
      if (token.isPresent()) {
        ObjectNode entry = special.putObject(token.get()).put("id", token.get());
        entry.putArray("ids").add(vocabulary.roles().get(role));
        entry.putArray("tokens").add(token.get());
      }
    }
  }

  private static void around(
      ArrayNode template, Optional<String> bos, Optional<String> eos, String text, int typeId) {
    bos.ifPresent(token -> BertVocabulary.piece(template, "SpecialToken", token, typeId));
    BertVocabulary.piece(template, "Sequence", text, typeId);
    eos.ifPresent(token -> BertVocabulary.piece(template, "SpecialToken", token, typeId));
  }
}
