package dev.hone.model.architecture;

import dev.hone.model.Block;
import dev.hone.model.Norms;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;

/**
 * Llama, and what differs from it in biases (which are there where the checkpoint has them) and
 * windows only: Mistral, Qwen2, SmolLM2. Touvron et al., "LLaMA: Open and Efficient Foundation
 * Language Models", section 2.2.
 */
record Llama(Windows windows) implements Architecture {

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
              parts.attention(layer.in("self_attn"), windows.mask(config, i), rope),
              Norms.before(parts.norm(layer, "input_layernorm")),
              parts.gated(layer.in("mlp"), "intermediate_size", activation),
              Norms.before(parts.norm(layer, "post_attention_layernorm")),
              Block.Flow.SEQUENTIAL);
        });
  }
}
