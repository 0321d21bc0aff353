package dev.hone.model.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.Rope;
import dev.hone.model.RopeScaling;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RopeConfigTest {

  private static Rope longRope(String shorter, String longer, String more) {
    String json =
        """
        {"max_position_embeddings": 4096, "rope_parameters": {"rope_type": "longrope",
         "rope_theta": 100, "short_factor": %s, "long_factor": %s,
         "original_max_position_embeddings": 64%s}}
        """
            .formatted(shorter, longer, more);
    Config config = Config.parse("config.json", json.getBytes(StandardCharsets.UTF_8));
    return RopeConfig.USUAL.read(config, Windows.FULL, 4);
  }

  private static Rope read(String json) {
    Config config =
        Config.parse("config.json", json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    return RopeConfig.USUAL.read(config, Windows.FULL, 4);
  }

  /** {@code inv_freq = 1 / (ext_factors * base^(i / dim))}, by the text's length. */
  @Test
  void longRopeDividesEveryPairByItsOwn() {
    Rope rope = longRope("[1, 2]", "[4, 8]", "");
    assertThat(rope.of(64).frequencies()).containsExactly(new double[] {1, 0.1 / 2}, within(1e-12));
    assertThat(rope.of(65).frequencies())
        .containsExactly(new double[] {1 / 4.0, 0.1 / 8}, within(1e-12));
    // stretched 64 times: sqrt(1 + ln 64 / ln 64), of short texts too
    assertThat(rope.of(1).amplitude()).isCloseTo(Math.sqrt(2), within(1e-12));
    assertThat(rope.of(65).amplitude()).isCloseTo(Math.sqrt(2), within(1e-12));
    assertThat(longRope("[1, 8]", "[1, 8]", ", \"attention_factor\": 1.5").of(9).amplitude())
        .isEqualTo(1.5);
    assertThatThrownBy(rope::frequencies).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(rope::amplitude).isInstanceOf(IllegalStateException.class);
  }

  /** As Phi-3's configs of 2024 spell it, the original length beside. */
  @Test
  void longRopeWasCalledSu() {
    Rope old =
        read(
            """
            {'max_position_embeddings': 4096, 'original_max_position_embeddings': 64,
             'rope_theta': 100.0, 'rope_scaling': {'type': 'su', 'short_factor': [1, 2],
             'long_factor': [4, 8]}}
            """);
    assertThat(old).isEqualTo(longRope("[1, 2]", "[4, 8]", ""));
  }

  /**
   * {@code base * ((factor * seq_len / max_position_embeddings) - (factor - 1)) ** (dim / (dim -
   * 2))}.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'rope_theta': 100.0, 'rope_scaling': {'type': 'dynamic', 'factor': 3.0}",
        "'rope_parameters': {'rope_type': 'dynamic', 'rope_theta': 100.0, 'factor': 3.0}"
      })
  void dynamicNtkGrowsTheBase(String fields) {
    Rope rope = read("{'max_position_embeddings': 50, " + fields + "}");
    for (int tokens : new int[] {1, 50}) {
      assertThat(rope.of(tokens)).isEqualTo(new Rope(4, 100, new RopeScaling.None()));
    }
    double theta = 100 * Math.pow(3.0 * 75 / 50 - 2, 4 / 2.0);
    assertThat(rope.of(75).frequencies())
        .containsExactly(new double[] {1, Math.pow(theta, -0.5)}, within(1e-12));
    assertThat(rope.of(75).amplitude()).isEqualTo(1);
  }

  @Test
  void listsThatAreNoneAreRefused() {
    assertThatThrownBy(() -> longRope("[1]", "[1]", ""))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("short_factor must be 2 positive numbers, one a pair");
    assertThatThrownBy(() -> longRope("[1, 1]", "[1, 0]", ""))
        .hasMessageContaining("long_factor must be 2 positive numbers, one a pair");
    assertThatThrownBy(() -> read("{'rope_scaling': {'type': 'mrope'}}"))
        .hasMessageContaining("type must be default, linear, dynamic, llama3, yarn or longrope");
  }
}
