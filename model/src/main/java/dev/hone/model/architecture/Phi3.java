package dev.hone.model.architecture;

import dev.hone.model.Block;
import dev.hone.model.FeedForward;
import dev.hone.model.Norms;
import dev.hone.model.Projections;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import java.util.Optional;

/**
 * Llama with one layer for queries, keys and values, and one for gate and up. Abdin et al., "Phi-3
 * Technical Report", section 2.
 */
record Phi3() implements Architecture {

  @Override
  public Transformer read(Config config, Layers layers) {
    DecoderParts parts = DecoderParts.of(config, layers);
    Activation activation = Activations.of(config, "hidden_act");
    Rope rope = RopeConfig.USUAL.read(config, Windows.FULL, parts.shape().headDim());
    int hidden = parts.hidden();
    int intermediate = config.positive("intermediate_size", ConfigLimits.WIDTH);
    return parts.transformer(
        1,
        false,
        0,
        i -> {
          Layers layer = parts.layer(i);
          Layers self = layer.in("self_attn");
          Layers mlp = layer.in("mlp");
          return new Block(
              parts.attention(
                  new Projections.Fused(
                      self.linear("qkv_proj", parts.queries() + 2 * parts.keys(), hidden),
                      Projections.Order.QUERIES_KEYS_VALUES),
                  self,
                  Windows.EVERY_LAYER_IF_SET.mask(config, i),
                  rope,
                  Optional.empty(),
                  Optional.empty()),
              Norms.before(parts.norm(layer, "input_layernorm")),
              new FeedForward.FusedGated(
                  mlp.linear("gate_up_proj", 2 * intermediate, hidden),
                  activation,
                  mlp.linear("down_proj", hidden, intermediate)),
              Norms.before(parts.norm(layer, "post_attention_layernorm")),
              Block.Flow.SEQUENTIAL);
        });
  }
}
