package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Norms;
import dev.hone.model.Position;
import dev.hone.model.Projections;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Learned positions, norms before attention and feed-forward, and matrices that the checkpoint
 * holds transposed. Radford et al., "Language Models are Unsupervised Multitask Learners", section
 * 2.3.
 */
record Gpt2() implements Architecture {

  @Override
  public Transformer read(Config config, Layers layers) {
    int hidden = config.positive("n_embd", ConfigLimits.WIDTH);
    int heads = ConfigLimits.heads(config, "n_head", hidden);
    int intermediate = config.positive("n_inner", ConfigLimits.WIDTH, 4 * hidden);
    int entries = config.positive("vocab_size", ConfigLimits.VOCABULARY);
    float epsilon = config.number("layer_norm_epsilon", 1e-5f);
    Activation activation = Activations.of(config, "activation_function");
    Layers model = layers.inOptional("transformer");
    return new Transformer(
        new Embeddings(
            model.embedding(
                "wte", entries, hidden, DecoderParts.tied(config, true), layers, "lm_head"),
            Optional.of(
                model.embedding(
                    "wpe", config.positive("n_positions", ConfigLimits.POSITIONS), hidden)),
            0,
            Optional.empty(),
            Optional.empty()),
        IntStream.range(0, config.positive("n_layer", ConfigLimits.LAYERS))
            .mapToObj(
                i -> {
                  Layers layer = model.in("h." + i);
                  return new Block(
                      new Attention(
                          new Projections.Fused(
                              layer.conv1d("attn.c_attn", 3 * hidden, hidden),
                              Projections.Order.QUERIES_KEYS_VALUES),
                          layer.conv1d("attn.c_proj", hidden, hidden),
                          new AttentionShape(
                              heads, heads, hidden / heads, scale(config, hidden / heads, i)),
                          Attention.Keys.OWN_SEQUENCE,
                          AttentionMask.CAUSAL,
                          new Position.Unknown(),
                          Optional.empty(),
                          Optional.empty()),
                      Norms.before(layer.layerNorm("ln_1", hidden, epsilon)),
                      new FeedForward.Mlp(
                          layer.conv1d("mlp.c_fc", intermediate, hidden),
                          activation,
                          layer.conv1d("mlp.c_proj", hidden, intermediate)),
                      Norms.before(layer.layerNorm("ln_2", hidden, epsilon)),
                      Block.Flow.SEQUENTIAL);
                })
            .toList(),
        Optional.of(model.layerNorm("ln_f", hidden, epsilon)),
        DecoderParts.head(config, layers, "lm_head", entries, hidden, true, 0));
  }

  private static float scale(Config config, int headDim, int layer) {
    double scale = config.flag("scale_attn_weights", true) ? 1 / Math.sqrt(headDim) : 1;
    boolean byLayer = config.flag("scale_attn_by_inverse_layer_idx", false);
    return (float) (byLayer ? scale / (layer + 1) : scale);
  }
}
