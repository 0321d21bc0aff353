package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a trimmed tokenizer keeps, and how it cuts texts then. */
class TrimmedTokenizerTest {
  /** "abc" has two ways to come about; "cab" is never needed. */
  private static final String BPE =
      """
      {"version": "1.0",
       "added_tokens": [{"id": 8, "content": "<s>", "single_word": false, "lstrip": false,
                         "rstrip": false, "normalized": false, "special": true}],
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                         "use_regex": true},
       "post_processor": {"type": "TemplateProcessing",
                          "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                     {"Sequence": {"id": "A", "type_id": 0}}],
                          "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                                   {"Sequence": {"id": "B", "type_id": 1}}],
                          "special_tokens": {"<s>": {"id": "<s>", "ids": [8], "tokens": ["<s>"]}}},
       "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                   "use_regex": true},
       "model": {"type": "BPE",
                 "vocab": {"a": 0, "b": 1, "c": 2, "ca": 3, "bc": 4, "cab": 5, "ab": 6, "abc": 7},
                 "merges": ["c a", "b c", "ca b", "a b", "ab c", "a bc"]}}
      """;

  @TempDir private Path folder;

  @Test
  void bytePairsKeepWhatTheyAreMergedOf() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), BPE);
    Files.writeString(folder.resolve("vocab.json"), "{}");
    Files.writeString(
        folder.resolve("tokenizer_config.json"), "{\"added_tokens_decoder\": {\"8\": {}}}");
    try (Tokenizer before = Tokenizer.load(folder)) {
      assertThat(spelt(before, "abcab")).isEqualTo("<s> ab cab"); // c and a are merged first
      assertThat(spelt(before, "abc")).isEqualTo("<s> abc");
    }
    var trimmed = TrimmedTokenizer.of(folder, Set.of(7, 8));
    assertThat(trimmed.kept()).containsExactly(0, 1, 2, 4, 6, 7, 8);
    trimmed.write(folder);
    assertThat(folder.resolve("vocab.json")).doesNotExist();
    assertThat(folder.resolve("tokenizer_config.json")).content().contains("\"6\"");
    try (Tokenizer after = Tokenizer.load(folder)) {
      assertThat(spelt(after, "abc")).isEqualTo("<s> abc");
      assertThat(spelt(after, "abcab")).isEqualTo("<s> abc ab");
      assertThat(after.encode("abc", Tokenizer.UNLIMITED).ids()).containsExactly(6, 5);
    }
    assertThatThrownBy(() -> trimmed.place(5))
        .hasMessageContaining("not kept")
        .hasMessageContaining("id=5");
  }

  @Test
  void othersAreRefused() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version": "1.0", "added_tokens": [],
         "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]]}}
        """);
    assertThatThrownBy(() -> TrimmedTokenizer.of(folder, Set.of(1)))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("Only WordPiece and BPE are trimmed")
        .hasMessageContaining("model=Unigram");
  }

  private static String spelt(Tokenizer tokenizer, String text) {
    return Arrays.stream(tokenizer.encode(text, Tokenizer.UNLIMITED).ids())
        .mapToObj(tokenizer::idToToken)
        .collect(Collectors.joining(" "));
  }
}
