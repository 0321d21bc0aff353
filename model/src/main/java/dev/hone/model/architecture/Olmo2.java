package dev.hone.model.architecture;

import dev.hone.model.Block;
import dev.hone.model.Norms;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import java.util.Optional;

/**
 * Llama with norms behind attention and feed-forward instead of before them, and norms of all
 * queries and all keys of a token. OLMo Team, "2 OLMo 2 Furious", section 2.
 */
record Olmo2() implements Architecture {

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
          Layers self = layer.in("self_attn");
          return new Block(
              parts.attention(
                  self,
                  Windows.NONE.mask(config, i),
                  rope,
                  Optional.of(parts.headNorm(self, "q_norm", parts.queries())),
                  Optional.of(parts.headNorm(self, "k_norm", parts.keys()))),
              Norms.behind(parts.norm(layer, "post_attention_layernorm")),
              parts.gated(layer.in("mlp"), "intermediate_size", activation),
              Norms.behind(parts.norm(layer, "post_feedforward_layernorm")),
              Block.Flow.SEQUENTIAL);
        });
  }
}
