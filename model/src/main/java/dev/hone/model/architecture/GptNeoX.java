package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Norms;
import dev.hone.model.Projections;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * GPT-NeoX and Pythia: attention and feed-forward read the same vector, and a part of every head is
 * turned. Black et al., "GPT-NeoX-20B: An Open-Source Autoregressive Language Model", section 2.1.
 */
record GptNeoX() implements Architecture {
  private static final RopeConfig ROPE =
      new RopeConfig("rotary_emb_base", 10_000, true, "rotary_pct", 0.25f);

  @Override
  public Transformer read(Config config, Layers layers) {
    int hidden = config.positive("hidden_size", ConfigLimits.WIDTH);
    int heads = ConfigLimits.heads(config, "num_attention_heads", hidden);
    int intermediate = config.positive("intermediate_size", ConfigLimits.WIDTH);
    int entries = config.positive("vocab_size", ConfigLimits.VOCABULARY);
    float epsilon = config.number("layer_norm_eps", 1e-5f);
    Activation activation = Activations.of(config, "hidden_act");
    var shape = AttentionShape.of(heads, hidden / heads);
    Rope rope = ROPE.read(config, Windows.FULL, hidden / heads);
    Block.Flow flow =
        config.flag("use_parallel_residual", true) ? Block.Flow.PARALLEL : Block.Flow.SEQUENTIAL;
    Layers model = layers.inOptional("gpt_neox");
    return new Transformer(
        Embeddings.of(
            model.embedding(
                "embed_in", entries, hidden, DecoderParts.tied(config, false), layers, "embed_out"),
            1,
            config.positive("max_position_embeddings", ConfigLimits.POSITIONS)),
        IntStream.range(0, config.positive("num_hidden_layers", ConfigLimits.LAYERS))
            .mapToObj(
                i -> {
                  Layers layer = model.in("layers." + i);
                  return new Block(
                      new Attention(
                          new Projections.Fused(
                              layer.linear("attention.query_key_value", 3 * hidden, hidden),
                              Projections.Order.BY_HEAD),
                          layer.linear("attention.dense", hidden, hidden),
                          shape,
                          Attention.Keys.OWN_SEQUENCE,
                          AttentionMask.CAUSAL,
                          rope,
                          Optional.empty(),
                          Optional.empty()),
                      Norms.before(layer.layerNorm("input_layernorm", hidden, epsilon)),
                      new FeedForward.Mlp(
                          layer.linear("mlp.dense_h_to_4h", intermediate, hidden),
                          activation,
                          layer.linear("mlp.dense_4h_to_h", hidden, intermediate)),
                      Norms.before(layer.layerNorm("post_attention_layernorm", hidden, epsilon)),
                      flow);
                })
            .toList(),
        Optional.of(model.layerNorm("final_layer_norm", hidden, epsilon)),
        DecoderParts.head(config, layers, "embed_out", entries, hidden, false, 0));
  }
}
