package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Norms;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import java.util.Optional;

/** Llama with a norm of every head's query and key. Qwen Team, "Qwen3 Technical Report". */
record Qwen3() implements Architecture {

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
              attention(parts, layer.in("self_attn"), i, rope),
              Norms.before(parts.norm(layer, "input_layernorm")),
              parts.gated(layer.in("mlp"), "intermediate_size", activation),
              Norms.before(parts.norm(layer, "post_attention_layernorm")),
              Block.Flow.SEQUENTIAL);
        });
  }

  static Attention attention(DecoderParts parts, Layers self, int index, Rope rope) {
    int dim = parts.shape().headDim();
    return parts.attention(
        self,
        Windows.UPPER_LAYERS.mask(parts.config(), index),
        rope,
        Optional.of(parts.headNorm(self, "q_norm", dim)),
        Optional.of(parts.headNorm(self, "k_norm", dim)));
  }
}
