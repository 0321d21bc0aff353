package dev.hone.model.architecture;

import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.Norms;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import java.util.stream.IntStream;

/** Llama with routed experts. Jiang et al., "Mixtral of Experts", section 2. */
record Mixtral() implements Architecture {

  @Override
  public Transformer read(Config config, Layers layers) {
    DecoderParts parts = DecoderParts.of(config, layers);
    Activation activation = Activations.of(config, "hidden_act");
    Rope rope =
        RopeConfig.USUAL
            .withTheta("rope_theta", 1e6f)
            .read(config, Windows.FULL, parts.shape().headDim());
    return parts.transformer(
        1,
        false,
        0,
        i -> {
          Layers layer = parts.layer(i);
          return new Block(
              parts.attention(
                  layer.in("self_attn"), Windows.EVERY_LAYER_IF_SET.mask(config, i), rope),
              Norms.before(parts.norm(layer, "input_layernorm")),
              experts(parts, layer.in("block_sparse_moe"), activation),
              Norms.before(parts.norm(layer, "post_attention_layernorm")),
              Block.Flow.SEQUENTIAL);
        });
  }

  private static FeedForward experts(DecoderParts parts, Layers moe, Activation activation) {
    Config config = parts.config();
    int count = config.positive("num_local_experts", ConfigLimits.EXPERTS);
    int intermediate = config.positive("intermediate_size", ConfigLimits.WIDTH);
    return new FeedForward.Experts(
        moe.linear("gate", count, parts.hidden()),
        config.positive("num_experts_per_tok", count),
        true,
        IntStream.range(0, count)
            .mapToObj(
                e ->
                    parts.gated(moe.in("experts." + e), "w1", "w3", "w2", intermediate, activation))
            .toList());
  }
}
