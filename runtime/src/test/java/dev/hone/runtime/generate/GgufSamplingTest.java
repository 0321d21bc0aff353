package dev.hone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hone.model.format.FormatException;
import dev.hone.model.format.gguf.GgufWriter;
import dev.hone.model.format.gguf.Metadata;
import dev.hone.model.format.gguf.MetadataKind;
import dev.hone.model.format.gguf.MetadataValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What {@code general.sampling.*} asks for. */
class GgufSamplingTest {
  private final Map<String, MetadataValue> values = new LinkedHashMap<>();
  private final List<String> warnings = new ArrayList<>();

  private Sampling sampling() {
    return GgufSampling.of(new Metadata("model.gguf", values), warnings::add);
  }

  private void put(String key, double value) {
    values.put(
        "general.sampling." + key, new MetadataValue.Fraction(MetadataKind.FLOAT32, (float) value));
  }

  private void put(String key, int value) {
    values.put("general.sampling." + key, new MetadataValue.Whole(MetadataKind.INT32, value));
  }

  @Test
  void nothingAskedIsTheLargest() {
    assertThat(sampling()).isEqualTo(Sampling.greedy());
    put("penalty_repeat", 1.1);
    assertThat(sampling()).isEqualTo(Sampling.greedy().penalties(1.1f, 0, 0));
  }

  @Test
  void whatIsMissingIsTransformersDefault() {
    put("temp", 0.6);
    assertThat(sampling()).isEqualTo(Sampling.of(0.6f).only(50, 1, 0));
    put("top_k", 20);
    put("top_p", 0.95);
    put("min_p", 0.05);
    assertThat(sampling()).isEqualTo(Sampling.of(0.6f).only(20, 0.95f, 0.05f));
    values.remove("general.sampling.temp");
    assertThat(sampling()).isEqualTo(Sampling.of(1).only(20, 0.95f, 0.05f));
    put("temp", 0.0);
    assertThat(sampling()).isEqualTo(Sampling.greedy());
    assertThat(warnings).isEmpty();
  }

  @Test
  void whatIsNotDoneIsSaid() {
    put("mirostat", 2);
    put("xtc_probability", 0.0);
    values.put("general.sampling.sequence", GgufWriter.text("top_k;temp"));
    assertThat(sampling()).isEqualTo(Sampling.greedy());
    assertThat(warnings)
        .containsExactly(
            "model.gguf: general.sampling.sequence=top_k;temp is left out: unknown to Hone",
            "model.gguf: general.sampling.mirostat=2 is left out: unknown to Hone");
  }

  @Test
  void numbersThatDoNotSample() {
    put("top_p", 7.0);
    assertThatThrownBy(this::sampling)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("topP=7.0");
    values.clear();
    put("top_k", -1);
    assertThatThrownBy(this::sampling)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("general.sampling.top_k");
  }
}
