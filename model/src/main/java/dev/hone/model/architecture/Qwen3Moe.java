package dev.hone.model.architecture;

import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.Norms;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import java.util.stream.IntStream;

/** Qwen3 with routed experts. Qwen Team, "Qwen3 Technical Report", section 2. */
record Qwen3Moe() implements Architecture {

  @Override
  public Transformer read(Config config, Layers layers) {
    DecoderParts parts = DecoderParts.of(config, layers);
    Activation activation = Activations.of(config, "hidden_act");
    Rope rope = RopeConfig.USUAL.read(config, Windows.FULL, parts.shape().headDim());
    return parts.transformer(
        1,
        false,
        0,
        i -> {
          Layers layer = parts.layer(i);
          return new Block(
              Qwen3.attention(parts, layer.in("self_attn"), i, rope),
              Norms.before(parts.norm(layer, "input_layernorm")),
              sparse(config, i)
                  ? experts(parts, layer.in("mlp"), activation)
                  : parts.gated(layer.in("mlp"), "intermediate_size", activation),
              Norms.before(parts.norm(layer, "post_attention_layernorm")),
              Block.Flow.SEQUENTIAL);
        });
  }

  private static boolean sparse(Config config, int layer) {
    for (var dense : config.json().path("mlp_only_layers")) {
      if (dense.asInt(-1) == layer) {
        return false;
      }
    }
    return (layer + 1) % config.positive("decoder_sparse_step", ConfigLimits.LAYERS, 1) == 0;
  }

  private static FeedForward experts(DecoderParts parts, Layers mlp, Activation activation) {
    Config config = parts.config();
    int count =
        config.positive(
            config.has("num_experts") ? "num_experts" : "num_local_experts", ConfigLimits.EXPERTS);
    return new FeedForward.Experts(
        mlp.linear("gate", count, parts.hidden()),
        config.positive("num_experts_per_tok", count),
        config.flag("norm_topk_prob", false),
        IntStream.range(0, count)
            .mapToObj(e -> parts.gated(mlp.in("experts." + e), "moe_intermediate_size", activation))
            .toList());
  }
}
