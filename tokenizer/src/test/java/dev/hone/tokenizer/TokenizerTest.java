package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an encoding says about its text, and what happens to texts that are too long or no texts.
 */
class TokenizerTest {

  private static final String FAMILY = "\ud83d\udc69\u200d\ud83d\udc67"; // two emoji and a joiner

  @TempDir Path folder;
  private Tokenizer tokenizer;

  @BeforeEach
  void load() throws IOException {
    try (InputStream in = TokenizerTest.class.getResourceAsStream("wordpiece.json")) {
      Files.copy(in, folder.resolve("tokenizer.json"));
    }
    tokenizer = Tokenizer.load(folder);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  @Test
  void offsetsCountCharsOfTheTextAsGiven() {
    String text = "a " + FAMILY + " b \ud835\udcb6 Z\u00fcrich\u5317e\u0301s";
    Encoding encoding = tokenizer.encode(text, Tokenizer.UNLIMITED);
    List<String> pieces = pieces(encoding, text);
    // the joiner is cleaned away, and a combining accent belongs to no letter that is left
    assertThat(pieces).startsWith("a", FAMILY, "b", "\ud835\udcb6");
    assertThat(String.join("", pieces)).contains("Z\u00fcrich\u5317e");
    assertThat(encoding.end(encoding.size() - 2)).isEqualTo(text.length());
  }

  @Test
  void templateTokensAreSpecialAndThoseOfTheTextAreContent() {
    Encoding encoding = tokenizer.encode("[CLS] a", Tokenizer.UNLIMITED);
    assertThat(encoding.ids()).startsWith(2, 2).endsWith(3);
    assertThat(encoding.special(0)).isTrue();
    assertThat(encoding.special(1)).isFalse();
    assertThat(encoding.sequence(0)).isEqualTo(-1);
    assertThat(encoding.word(0)).isEqualTo(-1);
    assertThat(encoding.start(1)).isZero();
    assertThat(encoding.end(1)).isEqualTo(5);
    assertThat(tokenizer.specialTokens())
        .containsExactly("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]");
  }

  @Test
  void cutsTheContentAndSaysHowMuch() {
    String text = "a b c d e f";
    Encoding whole = tokenizer.encode(text, Tokenizer.UNLIMITED);
    assertThat(whole.cut()).isZero();
    assertThat(tokenizer.tokenCount(text)).isEqualTo(8);
    Encoding cut = tokenizer.encode(text, 5);
    assertThat(pieces(cut, text)).containsExactly("a", "b", "c");
    assertThat(cut.cut()).isEqualTo(3);
    assertThat(cut.ids()).startsWith(2).endsWith(3).hasSize(5);
    assertThat(tokenizer.encode(text, 2).ids()).containsExactly(2, 3);
    assertThatThrownBy(() -> tokenizer.encode(text, 1))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("maxTokens=1, special tokens=2");
  }

  @Test
  void cutsTheLeftEndWhereTheConfigurationSaysSo() throws IOException {
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"truncation_side\": \"left\"}");
    try (Tokenizer left = Tokenizer.load(folder)) {
      assertThat(pieces(left.encode("a b c d", 4), "a b c d")).containsExactly("c", "d");
    }
  }

  @Test
  void cutsTheLongerTextOfAPairFirst() {
    // 3 tokens of the template; what is left as tokenizers' longest_first gives it
    assertThat(kept("a b c d e f", "x", 8)).containsExactly(4, 1);
    assertThat(kept("x", "a b c d e f", 8)).containsExactly(1, 4);
    assertThat(kept("a b c d", "a b c d", 8)).containsExactly(2, 3);
    assertThat(kept("a b c d e", "a b c d", 8)).containsExactly(3, 2);
    assertThat(kept("", "a b c", 5)).containsExactly(0, 2);
    assertThat(kept("a b", "c d", 7)).containsExactly(2, 2);
  }

  @Test
  void cutsOnlyTheTextThatMayBeCut() {
    Encoding first = tokenizer.encodePair("a b c d", "x y", 7, Truncation.ONLY_FIRST);
    assertThat(counts(first)).containsExactly(2, 2);
    assertThat(first.typeIds()).containsExactly(0, 0, 0, 0, 1, 1, 1);
    Encoding second = tokenizer.encodePair("x y", "a b c d", 7, Truncation.ONLY_SECOND);
    assertThat(counts(second)).containsExactly(2, 2);
    assertThat(second.start(4)).as("offsets of the second text are its own").isZero();
    assertThatThrownBy(() -> tokenizer.encodePair("a", "b c d e", 6, Truncation.ONLY_FIRST))
        .hasMessageContaining(
            "leaves no room: maxTokens=6, first=1, second=4, truncation=ONLY_FIRST");
    assertThatThrownBy(() -> tokenizer.encodePair("b c d e", "a", 6, Truncation.ONLY_SECOND))
        .hasMessageContaining("truncation=ONLY_SECOND");
  }

  @Test
  void whatIsNoTextIsEncodedAllTheSame() {
    for (String text :
        List.of(
            "",
            "\u0000",
            "a\u0000b",
            "\ud800",
            "x\udc00\ud800y",
            "\udc00".repeat(5),
            "\uffff\ufffe")) {
      Encoding encoding = tokenizer.encode(text, 8);
      assertThat(encoding.ids()).startsWith(2).endsWith(3);
      for (int k = 0; k < encoding.size(); k++) {
        assertThat(encoding.start(k)).isBetween(0, text.length());
        assertThat(encoding.end(k)).isBetween(encoding.start(k), text.length());
      }
    }
    String half = "a \ud800 b";
    // U+FFFD stands for the half character, and BERT's normalizer cleans that away
    assertThat(pieces(tokenizer.encode(half, 8), half)).containsExactly("a", "b");
  }

  @Test
  void longTextsAreCutAndTooLongOnesRefused() {
    Encoding long1 = tokenizer.encode("ab ".repeat(700_000), 64); // 2.1 million chars
    assertThat(long1.size()).isEqualTo(64);
    assertThat(long1.cut()).isGreaterThanOrEqualTo(700_000 - 62);
    assertThat(tokenizer.encode("x".repeat(1 << 21), 64).size())
        .as("one word, unknown")
        .isEqualTo(3);
    assertThatThrownBy(() -> tokenizer.encode("x".repeat((4 << 20) + 1), 64))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("Text too long: chars=4194305, limit=4194304");
  }

  @Test
  void idsAndTokensAndTextAreOneAnother() {
    int id = tokenizer.tokenToId("##s").orElseThrow();
    assertThat(tokenizer.idToToken(id)).isEqualTo("##s");
    assertThat(tokenizer.tokenToId("no such token")).isEmpty();
    assertThatThrownBy(() -> tokenizer.idToToken(800))
        .hasMessageContaining("id=800, vocabularySize=800");
    assertThatThrownBy(() -> tokenizer.decode(new int[] {1, -1}, true))
        .hasMessageContaining("id=-1 at 1");
    int[] ids = tokenizer.encode("the brown fox", Tokenizer.UNLIMITED).ids();
    assertThat(tokenizer.decode(ids, true)).isEqualTo("the brown fox");
    assertThat(tokenizer.decode(ids, false)).isEqualTo("[CLS] the brown fox [SEP]");
  }

  @Test
  void manyAtOnceAreAsOneByOne() {
    List<String> texts = new ArrayList<>();
    for (int k = 0; k < 500; k++) {
      texts.add("text number " + k + " of " + "many ".repeat(k % 7));
    }
    List<Encoding> all = tokenizer.encodeAll(texts, 16);
    for (int k = 0; k < texts.size(); k++) {
      assertThat(all.get(k).ids()).isEqualTo(tokenizer.encode(texts.get(k), 16).ids());
    }
  }

  @Test
  void aClosedTokenizerSaysSo() {
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("a", 8))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  private int[] kept(String first, String second, int maxTokens) {
    Encoding encoding = tokenizer.encodePair(first, second, maxTokens);
    assertThat(encoding.size()).isLessThanOrEqualTo(maxTokens);
    return counts(encoding);
  }

  private static int[] counts(Encoding encoding) {
    int[] counts = new int[2];
    for (int k = 0; k < encoding.size(); k++) {
      if (encoding.sequence(k) >= 0) {
        counts[encoding.sequence(k)]++;
      }
    }
    return counts;
  }

  private static List<String> pieces(Encoding encoding, String text) {
    List<String> pieces = new ArrayList<>();
    for (int k = 0; k < encoding.size(); k++) {
      if (!encoding.special(k)) {
        pieces.add(text.substring(encoding.start(k), encoding.end(k)));
      }
    }
    return pieces;
  }
}
