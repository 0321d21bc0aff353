package dev.hone.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * How byte-level BPE cuts a text, by the names of {@code tokenizer.ggml.pre}: expressions that are
 * applied one after the other, each cutting out what it matches. Names and expressions: {@code
 * llama-vocab.cpp} of llama.cpp; where it rewrites one for its own engine, the one of the model's
 * {@code tokenizer.json}.
 */
final class PreTokenizers {
  private static final String WORDS =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
  private static final String CONTRACTIONS =
      "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
  private static final String LINES =
      " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+";

  private static final Split GPT2 = new Split(false, WORDS);
  private static final Split DIGITS = new Split(false, "\\p{N}", WORDS);
  private static final Split DEFAULT =
      new Split(false, "[\\p{P}\\$\\+<=>\\^~\\|]+", WORDS, "\\p{N}+", "[0-9][0-9][0-9]");
  private static final Split LLAMA3 = new Split(true, llama3("\\p{N}{1,3}"));
  private static final Split LLAMA3_MERGED = new Split(false, llama3("\\p{N}{1,3}"));
  private static final Split QWEN2 = new Split(false, llama3("\\p{N}"));
  private static final Split CASED_WORDS = new Split(true, cased("", "\\p{N}"));
  private static final Split GPT4O = new Split(false, cased(CONTRACTIONS + "?", "\\p{N}{1,3}"));

  private static final Map<String, Split> BY_NAME = byName();

  private PreTokenizers() {}

  /**
   * @param ignoreMerges whether a piece that is a token as a whole is taken as it is
   */
  record Split(boolean ignoreMerges, List<String> expressions) {
    Split(boolean ignoreMerges, String... expressions) {
      this(ignoreMerges, List.of(expressions));
    }
  }

  private static String llama3(String number) {
    return CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + number + "|" + LINES;
  }

  private static String cased(String ending, String number) {
    String upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    String lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    String before = "[^\\r\\n\\p{L}\\p{N}]?";
    return before
        + upper
        + "*"
        + lower
        + "+"
        + ending
        + "|"
        + before
        + upper
        + "+"
        + lower
        + "*"
        + ending
        + "|"
        + number
        + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  }

  private static Map<String, Split> byName() {
    Map<String, Split> names = new HashMap<>();
    names.put("default", DEFAULT);
    for (String name :
        new String[] {
          "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de",
          "jina-v2-code", "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "modern-bert", "mpt",
          "olmo", "jais", "trillion", "granite-docling", "exaone4"
        }) {
      names.put(name, GPT2);
    }
    for (String name :
        new String[] {
          "starcoder",
          "refact",
          "command-r",
          "smollm",
          "codeshell",
          "exaone",
          "minerva-7b",
          "mellum2"
        }) {
      names.put(name, DIGITS);
    }
    for (String name :
        new String[] {
          "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"
        }) {
      names.put(name, LLAMA3);
    }
    for (String name : new String[] {"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}) {
      names.put(name, LLAMA3_MERGED);
    }
    for (String name :
        new String[] {
          "qwen2",
          "stablelm2",
          "deepseek-r1-qwen",
          "kormo",
          "hunyuan",
          "megrez",
          "solar-open",
          "grok-2"
        }) {
      names.put(name, QWEN2);
    }
    names.put("tekken", CASED_WORDS);
    for (String name : new String[] {"gpt-4o", "llama4", "kanana2"}) {
      names.put(name, GPT4O);
    }
    for (String name : new String[] {"bloom", "poro-chat", "gpt3-finnish"}) {
      names.put(name, new Split(false, BLOOM));
    }
    names.put("viking", new Split(false, BLOOM, "\\p{N}"));
    names.put("falcon", new Split(false, "[\\p{P}\\$\\+<=>\\^~\\|`]+", WORDS, "[0-9][0-9][0-9]"));
    names.put(
        "deepseek-coder",
        new Split(false, "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}"));
    names.put(
        "deepseek-v3",
        new Split(
            false,
            "\\p{N}{1,3}",
            "[一-龥぀-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"));
    return names;
  }

  /** How a text is cut under that name. */
  static Split of(String source, String name) {
    Split split = BY_NAME.get(name);
    if (split == null) {
      throw new TokenizerException(
          "Unknown pre-tokenizer: file="
              + source
              + ", tokenizer.ggml.pre="
              + name
              + ", known="
              + names()
              + "; take the model's folder, whose tokenizer.json says it");
    }
    return split;
  }

  /** All names. */
  static Set<String> names() {
    return new TreeSet<>(BY_NAME.keySet());
  }

  /** Whether a text begins with the {@code bos} token where the file does not say. */
  static boolean addsBos(String name) {
    return LLAMA3.equals(BY_NAME.get(name)) || name.equals("tekken");
  }
}
