package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GgufVocabularyTest {
  private static final Optional<Boolean> UNSAID = Optional.empty();

  private static GgufVocabulary bytePairs(String pre, Optional<Boolean> addBos) {
    List<String> tokens =
        List.of("<s>", "</s>", "<|user|>", "h", "e", "l", "o", "Ġ", "he", "ll", "hell", "1", "Ġh");
    int[] types = {3, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    return new GgufVocabulary(
        "a.gguf",
        "",
        "gpt2",
        pre,
        tokens,
        types,
        new float[0],
        List.of("h e", "l l", "he ll", "Ġ h"),
        Map.of("bos", 0, "eos", 1),
        addBos,
        UNSAID,
        UNSAID);
  }

  @Test
  void bytePairsAreMergedInTheirOrder() {
    try (Tokenizer tokenizer = Tokenizer.of(bytePairs("gpt-2", UNSAID))) {
      assertThat(tokenizer.encodeAlone("hello")).containsExactly(10, 6);
      assertThat(tokenizer.encodeAlone("lo hello")).containsExactly(5, 6, 7, 10, 6);
      assertThat(tokenizer.encodeAlone("hello<|user|>he")).containsExactly(10, 6, 2, 8);
      assertThat(tokenizer.encode("hello", Tokenizer.UNLIMITED).ids()).containsExactly(10, 6);
      assertThat(tokenizer.decode(new int[] {5, 6, 7, 10, 6}, true)).isEqualTo("lo hello");
      assertThat(tokenizer.specialTokens()).containsExactly("<s>", "</s>");
      assertThat(tokenizer.specialTokenRoles()).containsEntry("eos", "</s>");
    }
  }

  @Test
  void textsBeginAsTheFileSaysOrAsIsUsual() {
    for (boolean add : new boolean[] {true, false}) {
      try (Tokenizer tokenizer = Tokenizer.of(bytePairs("gpt-2", Optional.of(add)))) {
        assertThat(tokenizer.encode("he", Tokenizer.UNLIMITED).ids())
            .isEqualTo(add ? new int[] {0, 8} : new int[] {8});
        assertThat(tokenizer.encodeAlone("he")).containsExactly(8);
      }
    }
    try (Tokenizer llama3 = Tokenizer.of(bytePairs("llama-bpe", UNSAID))) {
      assertThat(llama3.encode("he", Tokenizer.UNLIMITED).ids()).containsExactly(0, 8);
    }
  }

  static Set<String> names() {
    return PreTokenizers.names();
  }

  /** The library takes every expression, and they cut what there is to cut. */
  @ParameterizedTest
  @MethodSource("names")
  void everyPreTokenizerLoads(String name) {
    try (Tokenizer tokenizer = Tokenizer.of(bytePairs(name, Optional.of(false)))) {
      assertThat(tokenizer.encodeAlone("hello 1 hello")).startsWith(10, 6).endsWith(10, 6);
    }
  }

  private static GgufVocabulary pieces(Optional<Boolean> addSpacePrefix) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
    for (int b = 0; b < 256; b++) {
      tokens.add("<0x%02X>".formatted(b));
      types.add(6);
    }
    List<String> pieces = List.of("▁", "a", "b", "c", "ab", "bc", "▁a", "abc");
    float[] scores = new float[tokens.size() + pieces.size()];
    for (int i = 0; i < pieces.size(); i++) {
      scores[tokens.size()] = -i;
      tokens.add(pieces.get(i));
      types.add(1);
    }
    return new GgufVocabulary(
        "a.gguf",
        "",
        "llama",
        "default",
        tokens,
        types.stream().mapToInt(Integer::intValue).toArray(),
        scores,
        List.of(),
        Map.of("bos", 1, "eos", 2, "unk", 0),
        UNSAID,
        UNSAID,
        addSpacePrefix);
  }

  /** "ab" has a better score than "bc" and "▁a"; what is no token is its bytes. */
  @Test
  void sentencePieceMergesByScore() {
    int first = 259;
    try (Tokenizer tokenizer = Tokenizer.of(pieces(UNSAID))) {
      assertThat(tokenizer.encodeAlone("abc")).containsExactly(first, first + 7);
      assertThat(tokenizer.encodeAlone("bc a")).containsExactly(first, first + 5, first + 6);
      assertThat(tokenizer.encodeAlone("é")).containsExactly(first, 3 + 0xC3, 3 + 0xA9);
      assertThat(tokenizer.encode("a", Tokenizer.UNLIMITED).ids()).containsExactly(1, first + 6);
      assertThat(tokenizer.decode(new int[] {first, first + 5, first + 6}, true)).isEqualTo("bc a");
    }
    try (Tokenizer tokenizer = Tokenizer.of(pieces(Optional.of(false)))) {
      assertThat(tokenizer.encodeAlone("abc")).containsExactly(first + 7);
    }
  }

  @Test
  void wordPieceGetsItsMarksBack() {
    GgufVocabulary words =
        new GgufVocabulary(
            "a.gguf",
            "",
            "bert",
            "default",
            List.of("[UNK]", "[CLS]", "[SEP]", "[unused0]", "▁play", "ing", "▁a"),
            new int[] {3, 3, 3, 1, 1, 1, 1},
            new float[0],
            List.of(),
            Map.of("cls", 1, "sep", 2, "unk", 0),
            UNSAID,
            UNSAID,
            UNSAID);
    try (Tokenizer tokenizer = Tokenizer.of(words)) {
      assertThat(tokenizer.encode("A Playing ing", Tokenizer.UNLIMITED).ids())
          .containsExactly(1, 6, 4, 5, 0, 2);
      assertThat(tokenizer.idToToken(5)).isEqualTo("##ing");
      assertThat(tokenizer.encodePair("a", "play", Tokenizer.UNLIMITED).ids())
          .containsExactly(1, 6, 2, 4, 2);
    }
  }

  /** A token of a role is none of a word's, however it is spelt; two roles may share one. */
  @Test
  void oneTokenMayBeginAndEndTexts() {
    GgufVocabulary words =
        new GgufVocabulary(
            "a.gguf",
            "",
            "bert",
            "default",
            List.of("<u>", "<s>", "▁play"),
            new int[0],
            new float[0],
            List.of(),
            Map.of("cls", 1, "sep", 1, "unk", 0),
            UNSAID,
            UNSAID,
            UNSAID);
    try (Tokenizer tokenizer = Tokenizer.of(words)) {
      assertThat(tokenizer.encode("play on", Tokenizer.UNLIMITED).ids())
          .containsExactly(1, 2, 0, 1);
    }
  }

  @Test
  void namesWhatItDoesNotKnow() {
    assertThatThrownBy(() -> Tokenizer.of(bytePairs("gpt-7", UNSAID)))
        .isInstanceOf(TokenizerException.class)
        .hasMessageStartingWith(
            "Unknown pre-tokenizer: file=a.gguf, tokenizer.ggml.pre=gpt-7, known=[a.x-4.0, bloom,");
    assertThatThrownBy(() -> Tokenizer.of(vocabulary("t5", 0, Map.of())))
        .hasMessageContaining("tokenizer.ggml.model=t5, known=[gpt2, llama, bert]");
    assertThatThrownBy(() -> Tokenizer.of(vocabulary("llama", 0, Map.of())))
        .hasMessageContaining("Missing: file=a.gguf, tokenizer.ggml.scores");
    assertThatThrownBy(() -> Tokenizer.of(vocabulary("bert", 0, Map.of())))
        .hasMessageContaining("tokenizer.ggml.cls_token_id is missing and [CLS] is no token");
    assertThatThrownBy(() -> vocabulary("llama", 3, Map.of()))
        .hasMessageContaining("tokenizer.ggml.scores has 3, tokens=2");
    assertThatThrownBy(() -> vocabulary("llama", 2, Map.of("bos", 2)))
        .hasMessageContaining("tokenizer.ggml.bos_token_id=2, tokens=2");
  }

  private static GgufVocabulary vocabulary(String model, int scores, Map<String, Integer> roles) {
    return new GgufVocabulary(
        "a.gguf",
        "",
        model,
        "default",
        List.of("a", "b"),
        new int[0],
        new float[scores],
        List.of(),
        roles,
        UNSAID,
        UNSAID,
        UNSAID);
  }
}
