package dev.hone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Position;
import dev.hone.model.Rope;
import dev.hone.model.RopeScaling;
import dev.hone.model.Transformer;
import dev.hone.tensor.AttentionMask;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configs as they were written before {@code rope_parameters} and {@code layer_types}. */
class SpellingsTest {
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
  }

  private List<Position> positions(String family, Consumer<ObjectNode> change) {
    return attentions(family, change).stream().map(Attention::position).toList();
  }

  private List<AttentionMask> masks(String family, Consumer<ObjectNode> change) {
    return attentions(family, change).stream().map(Attention::mask).toList();
  }

  private List<Attention> attentions(String family, Consumer<ObjectNode> change) {
    Transformer model = SeededModels.of(family, arena, change);
    return model.blocks().stream().map(Block::attention).toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2",
        "llama",
        "llama-linear",
        "llama-yarn",
        "llama3-rope",
        "mistral",
        "mixtral",
        "olmo2",
        "phi3",
        "qwen2",
        "qwen3",
        "qwen3-moe"
      })
  void ropeThetaAndScalingOnceStoodBesideEachOther(String family) {
    Consumer<ObjectNode> old =
        config -> {
          ObjectNode rope = (ObjectNode) config.remove("rope_parameters");
          config.set("rope_theta", rope.remove("rope_theta"));
          config.set("partial_rotary_factor", rope.remove("partial_rotary_factor"));
          if (rope.path("rope_type").asText().equals("default")) {
            config.putNull("rope_scaling");
          } else {
            rope.set("type", rope.remove("rope_type"));
            config.set("rope_scaling", rope);
          }
        };
    assertThat(positions(family, old)).isEqualTo(positions(family, config -> {}));
  }

  @Test
  void gptNeoXHadItsOwnNames() {
    Consumer<ObjectNode> old =
        config -> {
          config.remove("rope_parameters");
          config.put("rotary_pct", 0.25).put("rotary_emb_base", 10000);
        };
    assertThat(positions("gpt-neox", old)).isEqualTo(positions("gpt-neox", config -> {}));
    assertThat(positions("gpt-neox", old))
        .allMatch(new Rope(4, 10_000, new RopeScaling.None())::equals);
  }

  @Test
  void gemma3HadTwoBasesAndAPattern() {
    Consumer<ObjectNode> old =
        config -> {
          config.remove(List.of("rope_parameters", "layer_types", "_sliding_window_pattern"));
          config.put("rope_theta", 1e6).put("rope_local_base_freq", 1e4);
          config.put("sliding_window_pattern", 6);
        };
    assertThat(positions("gemma3", old)).isEqualTo(positions("gemma3", config -> {}));
    assertThat(masks("gemma3", old)).isEqualTo(masks("gemma3", config -> {}));
    // its rope_scaling is of the layers without a window only
    List<Position> scaled =
        positions(
            "gemma3",
            old.andThen(
                c -> c.putObject("rope_scaling").put("rope_type", "linear").put("factor", 8)));
    assertThat(((Rope) scaled.get(0)).scaling()).isEqualTo(new RopeScaling.None());
    assertThat(((Rope) scaled.get(5)).scaling()).isEqualTo(new RopeScaling.Linear(8));
  }

  @Test
  void windowsByLayer() {
    AttentionMask window = AttentionMask.causal(16);
    AttentionMask all = AttentionMask.CAUSAL;
    assertThat(masks("gemma2", c -> c.remove("layer_types"))).containsExactly(window, all, window);
    assertThat(masks("mistral", c -> {})).containsExactly(window, window, window);
    assertThat(masks("mistral", c -> c.putNull("sliding_window"))).containsExactly(all, all, all);
    assertThat(masks("mistral", c -> c.remove("sliding_window")))
        .containsOnly(AttentionMask.causal(4096));
    assertThat(masks("phi3", c -> c.put("sliding_window", 16))).containsOnly(window);
    assertThat(
            masks(
                "qwen2",
                c -> {
                  c.remove("layer_types");
                  c.put("use_sliding_window", true).put("max_window_layers", 2);
                  c.put("sliding_window", 16);
                }))
        .containsExactly(all, all, window);
    assertThat(masks("llama", c -> c.put("sliding_window", 16))).containsOnly(all);
  }

  /** Of 8 pairs over 64 positions: fast ones are kept, slow ones divided, some lie between. */
  @Test
  void scaledFrequencies() {
    double[] plain = new Rope(16, 10_000, new RopeScaling.None()).frequencies();
    var llama3 = new Rope(16, 10_000, new RopeScaling.Llama3(8, 1, 4, 64));
    var yarn = new Rope(16, 10_000, new RopeScaling.Yarn(4, 32, 1, 64, 1.2, true));
    assertThat(llama3.frequencies()[0]).isEqualTo(plain[0]);
    assertThat(llama3.frequencies()[7]).isEqualTo(plain[7] / 8);
    assertThat(llama3.frequencies()[1]).isBetween(plain[1] / 8, plain[1]);
    assertThat(yarn.frequencies()[0]).isEqualTo(plain[0]);
    assertThat(yarn.frequencies()[7]).isEqualTo(plain[7] / 4);
    assertThat(yarn.amplitude()).isEqualTo(1.2);
  }

  @Test
  void refusesWhatItDoesNotKnow() {
    assertThatThrownBy(
            () ->
                positions(
                    "llama",
                    c -> ((ObjectNode) c.get("rope_parameters")).put("rope_type", "spiral")))
        .hasMessageContaining("rope_type must be")
        .hasMessageContaining("spiral");
    assertThatThrownBy(
            () -> positions("llama", c -> ((ObjectNode) c.get("rope_parameters")).put("extra", 1)))
        .hasMessageContaining("unknown field extra");
    assertThatThrownBy(() -> masks("gemma2", c -> c.putArray("layer_types").add("full_attention")))
        .hasMessageContaining("layer_types must be a list of");
    assertThatThrownBy(() -> masks("llama", c -> c.put("num_key_value_heads", 3)))
        .hasMessageContaining("num_key_value_heads must be a divisor of the 4 heads");
    assertThatThrownBy(() -> masks("llama", c -> c.put("head_dim", 8)))
        .hasMessageContaining("config and weights belong to different models");
    assertThatThrownBy(() -> masks("mixtral", c -> c.put("num_experts_per_tok", 5)))
        .hasMessageContaining("num_experts_per_tok must be a whole number from 1 to 4");
  }
}
