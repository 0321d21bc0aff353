package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Norms;
import dev.hone.model.Projections;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.Pooling;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * An encoder with rotary positions, a gated feed-forward, norms before both parts (but the first,
 * which follows the embeddings' own) and a window in most layers. Warner et al., "Smarter, Better,
 * Faster, Longer: A Modern Bidirectional Encoder", section 2.1.
 */
record ModernBert() implements Architecture {
  private static final RopeConfig GLOBAL = RopeConfig.USUAL.withTheta("global_rope_theta", 160_000);
  private static final RopeConfig LOCAL = RopeConfig.USUAL.withTheta("local_rope_theta", 10_000);

  @Override
  public Transformer read(Config config, Layers layers) {
    int hidden = config.positive("hidden_size", ConfigLimits.WIDTH);
    int heads = ConfigLimits.heads(config, "num_attention_heads", hidden);
    int intermediate = config.positive("intermediate_size", ConfigLimits.WIDTH);
    Activation activation = Activations.of(config, "hidden_activation");
    var shape = AttentionShape.of(heads, hidden / heads);
    AttentionMask window =
        AttentionMask.around(config.positive("local_attention", ConfigLimits.POSITIONS, 128) / 2);
    Rope full = GLOBAL.read(config, Windows.FULL, hidden / heads);
    Rope sliding = LOCAL.read(config, Windows.SLIDING, hidden / heads);
    Layers model = layers.inOptional("model");
    return new Transformer(
        new Embeddings(
            model.embedding(
                "embeddings.tok_embeddings",
                config.positive("vocab_size", ConfigLimits.VOCABULARY),
                hidden),
            1,
            Optional.empty(),
            0,
            Optional.empty(),
            Optional.of(norm(config, model, "embeddings.norm", hidden)),
            config.positive("max_position_embeddings", ConfigLimits.POSITIONS)),
        IntStream.range(0, config.positive("num_hidden_layers", ConfigLimits.LAYERS))
            .mapToObj(
                i -> {
                  Layers layer = model.in("layers." + i);
                  boolean slides = slides(config, i);
                  return new Block(
                      new Attention(
                          new Projections.Fused(
                              layer.linear("attn.Wqkv", 3 * hidden, hidden),
                              Projections.Order.QUERIES_KEYS_VALUES),
                          layer.linear("attn.Wo", hidden, hidden),
                          shape,
                          Attention.Keys.OWN_SEQUENCE,
                          slides ? window : AttentionMask.ALL,
                          slides ? sliding : full,
                          Optional.empty(),
                          Optional.empty()),
                      i == 0
                          ? Norms.none()
                          : Norms.before(norm(config, layer, "attn_norm", hidden)),
                      new FeedForward.FusedGated(
                          layer.linear("mlp.Wi", 2 * intermediate, hidden),
                          activation,
                          layer.linear("mlp.Wo", hidden, intermediate)),
                      Norms.before(norm(config, layer, "mlp_norm", hidden)),
                      Block.Flow.SEQUENTIAL);
                })
            .toList(),
        Optional.of(norm(config, model, "final_norm", hidden)),
        head(config, layers, hidden));
  }

  private static boolean slides(Config config, int layer) {
    return config.has("layer_types")
        ? Windows.type(config, layer).equals(Windows.SLIDING)
        : layer % config.positive("global_attn_every_n_layers", ConfigLimits.LAYERS, 3) != 0;
  }

  private static Norm norm(Config config, Layers layers, String name, int hidden) {
    float epsilon = config.number("norm_eps", 1e-5f);
    return config.flag("norm_bias", false)
        ? layers.layerNorm(name, hidden, epsilon)
        : layers.layerNormWithoutBias(name, hidden, epsilon);
  }

  private static Head head(Config config, Layers layers, int hidden) {
    HeadKind kind = HeadKind.of(config);
    if (kind == HeadKind.NONE || kind == HeadKind.NEXT_TOKEN) {
      return new Head.HiddenStates();
    }
    Optional<Linear> dense = Optional.of(layers.linear("head.dense", hidden, hidden));
    Activation activation = Activations.of(config, "classifier_activation");
    Optional<Norm> norm = Optional.of(norm(config, layers, "head.norm", hidden));
    Linear out = layers.linear("classifier", layers.rows("classifier.weight"), hidden);
    return kind == HeadKind.TOKEN_LABELS
        ? new Head.TokenLabels(dense, activation, norm, out)
        : new Head.SequenceLabels(pooling(config), dense, activation, norm, out);
  }

  private static Pooling pooling(Config config) {
    return switch (config.text("classifier_pooling", "cls")) {
      case "cls" -> Pooling.CLS;
      case "mean" -> Pooling.MEAN;
      default -> throw config.wrong("classifier_pooling", "cls or mean");
    };
  }
}
