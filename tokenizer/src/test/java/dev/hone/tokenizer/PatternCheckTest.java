package dev.hone.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.TextNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Patterns of published tokenizers are read; those that a backtracking engine gets lost in are not.
 */
class PatternCheckTest {

  @ParameterizedTest
  @CsvSource(
      delimiterString = "@@",
      quoteCharacter = '`',
      value = {
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+@@1",
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r"
            + "\\n"
            + "]*|\\s*[\\r"
            + "\\n"
            + "]+|\\s+(?!\\S)|\\s+@@2",
        "[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r"
            + "\\n"
            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r"
            + "\\n"
            + "/]*|\\s*[\\r"
            + "\\n"
            + "]+|\\s+(?!\\S)|\\s+@@4",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r"
            + "\\n"
            + "\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r"
            + "\\n"
            + "]*@@0",
        " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+@@0",
        "<\\|startoftext\\|>|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+@@0",
        " {2,}@@0",
        "[^]a]+@@0",
        "a{@@0",
        "(?=(\\d{3})+(?!\\d))@@1",
        "\\d{1,3}(?=(?:\\d{3})*\\b)@@3",
      })
  void readsWhatIsPublished(String pattern, int backtracking) {
    assertThat(PatternCheck.check(field(pattern))).isEqualTo(backtracking);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+$",
        "(a|a)*b",
        "(a|ab)*c",
        "(a?){100}",
        "(?:a*)*",
        "a*a*b",
        "(a*)(b|a*)c",
        "a+a+(?!b)",
        "a*(?:a*c)",
        "a*(?=a*c)b",
        "(?:x|a*)(?:a*c|d)",
        "a?a?a?a?a?a?a?a?a?a?a?b",
        "a{0,900}a{0,900}b",
        "(a)\\1",
        "(?<n>a)\\k<n>",
        "a**",
        "a{1,9999}",
        "((((((((((((((((((a))))))))))))))))))",
        "a)",
        "(a",
        "[a",
        "\\",
        "(?#x)",
      })
  void refusesWhatAnEngineGetsLostIn(String pattern) {
    assertThatThrownBy(() -> PatternCheck.check(field(pattern)))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("file=t.json")
        .hasMessageContaining("a regular expression with");
  }

  private static JsonField field(String pattern) {
    return new JsonField("t.json", "pre_tokenizer.pattern.Regex", TextNode.valueOf(pattern));
  }
}
