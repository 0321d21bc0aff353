package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Norms;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;

/**
 * Norms before and behind attention and feed-forward, whose weights are distances from one; capped
 * scores and logits; a sliding window in every other layer. Gemma Team, "Gemma 2: Improving Open
 * Language Models at a Practical Size", section 2.
 */
record Gemma2() implements Architecture {

  @Override
  public Transformer read(Config config, Layers layers) {
    DecoderParts parts = parts(config, layers);
    Activation activation = Activations.of(config, "hidden_activation");
    Rope rope = RopeConfig.USUAL.read(config, Windows.FULL, parts.shape().headDim());
    return parts.transformer(
        (float) Math.sqrt(parts.hidden()),
        true,
        config.number("final_logit_softcapping", 0),
        i -> {
          Layers layer = parts.layer(i);
          return block(
              parts,
              layer,
              parts.attention(layer.in("self_attn"), Windows.EVERY_OTHER.mask(config, i), rope),
              activation);
        });
  }

  /** With Gemma's scale and cap of scores, and its norms. */
  static DecoderParts parts(Config config, Layers layers) {
    if (config.flag("use_bidirectional_attention", false)) {
      throw config.wrong("use_bidirectional_attention", "false (nothing else is supported yet)");
    }
    DecoderParts parts = DecoderParts.of(config, layers);
    AttentionShape shape = parts.shape();
    float scalar = config.number("query_pre_attn_scalar", 256);
    if (!(scalar > 0)) {
      throw config.wrong("query_pre_attn_scalar", "positive");
    }
    float cap = config.number("attn_logit_softcapping", 0);
    return parts
        .withNormShift(1)
        .with(
            new AttentionShape(
                shape.heads(),
                shape.kvHeads(),
                shape.headDim(),
                (float) (1 / Math.sqrt(scalar)),
                cap));
  }

  static Block block(DecoderParts parts, Layers layer, Attention attention, Activation activation) {
    return new Block(
        attention,
        Norms.around(
            parts.norm(layer, "input_layernorm"), parts.norm(layer, "post_attention_layernorm")),
        parts.gated(layer.in("mlp"), "intermediate_size", activation),
        Norms.around(
            parts.norm(layer, "pre_feedforward_layernorm"),
            parts.norm(layer, "post_feedforward_layernorm")),
        Block.Flow.SEQUENTIAL);
  }
}
