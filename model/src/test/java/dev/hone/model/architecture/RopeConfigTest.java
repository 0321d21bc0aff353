package dev.hone.model.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hone.model.Rope;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

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

  @Test
  void longRopeDividesEveryPairByItsOwn() {
    Rope rope = longRope("[1, 8]", "[1, 8]", "");
    assertThat(rope.frequencies()).containsExactly(new double[] {1, 0.1 / 8}, within(1e-12));
    // stretched 64 times: sqrt(1 + ln 64 / ln 64)
    assertThat(rope.amplitude()).isCloseTo(Math.sqrt(2), within(1e-12));
    assertThat(longRope("[1, 8]", "[1, 8]", ", \"attention_factor\": 1.5").amplitude())
        .isEqualTo(1.5);
  }

  @Test
  void longRopeThatDependsOnTheTextIsRefused() {
    assertThatThrownBy(() -> longRope("[1, 1]", "[1, 8]", ""))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("short_factor must be the same as long_factor");
    assertThatThrownBy(() -> longRope("[1]", "[1]", ""))
        .hasMessageContaining("long_factor must be 2 positive numbers, one a pair");
    assertThatThrownBy(() -> longRope("[1, 0]", "[1, 0]", ""))
        .hasMessageContaining("long_factor must be 2 positive numbers, one a pair");
  }
}
