package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Head;
import dev.hone.model.Norms;
import dev.hone.model.Position;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * BERT without segments, with a bias on scores by distance that all layers share. Song et al.,
 * "MPNet: Masked and Permuted Pre-training for Language Understanding".
 */
record MpNet() implements Architecture {
  /** The reference's constant: padding's id, which no config moves. */
  private static final int FIRST_POSITION = 2;

  private static final int FURTHEST = 128;

  @Override
  public Transformer read(Config config, Layers layers) {
    int hidden = config.positive("hidden_size", ConfigLimits.WIDTH);
    int heads = ConfigLimits.heads(config, "num_attention_heads", hidden);
    int intermediate = config.positive("intermediate_size", ConfigLimits.WIDTH);
    float epsilon = config.number("layer_norm_eps", 1e-12f);
    Activation activation = Activations.of(config, "hidden_act");
    int buckets = config.positive("relative_attention_num_buckets", FURTHEST, 32);
    if (buckets % 4 != 0) {
      throw config.wrong("relative_attention_num_buckets", "a multiple of 4");
    }
    var shape = AttentionShape.of(heads, hidden / heads);
    Layers encoder = layers.inOptional("mpnet");
    Layers embeddings = encoder.in("embeddings");
    Position position =
        new Position.Buckets(
            encoder.embedding("encoder.relative_attention_bias", buckets, heads).weight(),
            FURTHEST);
    return new Transformer(
        new Embeddings(
            embeddings.embedding(
                "word_embeddings", config.positive("vocab_size", ConfigLimits.VOCABULARY), hidden),
            Optional.of(
                embeddings.embedding(
                    "position_embeddings",
                    config.positive("max_position_embeddings", ConfigLimits.POSITIONS),
                    hidden)),
            FIRST_POSITION,
            Optional.empty(),
            Optional.of(embeddings.layerNorm("LayerNorm", hidden, epsilon))),
        IntStream.range(0, config.positive("num_hidden_layers", ConfigLimits.LAYERS))
            .mapToObj(
                i -> {
                  Layers layer = encoder.in("encoder.layer." + i);
                  return new Block(
                      Attention.everywhere(
                              layer.linear("attention.attn.q", hidden, hidden),
                              layer.linear("attention.attn.k", hidden, hidden),
                              layer.linear("attention.attn.v", hidden, hidden),
                              layer.linear("attention.attn.o", hidden, hidden),
                              shape)
                          .with(position),
                      Norms.after(layer.layerNorm("attention.LayerNorm", hidden, epsilon)),
                      new FeedForward.Mlp(
                          layer.linear("intermediate.dense", intermediate, hidden),
                          activation,
                          layer.linear("output.dense", hidden, intermediate)),
                      Norms.after(layer.layerNorm("output.LayerNorm", hidden, epsilon)),
                      Block.Flow.SEQUENTIAL);
                })
            .toList(),
        head(config, layers, hidden));
  }

  private static Head head(Config config, Layers layers, int hidden) {
    Layers classifier = layers.in("classifier");
    return switch (HeadKind.of(config)) {
      case NONE, NEXT_TOKEN -> new Head.HiddenStates();
      case TOKEN_LABELS ->
          new Head.TokenLabels(
              layers.linear("classifier", layers.rows("classifier.weight"), hidden));
      case SEQUENCE_LABELS ->
          new Head.SequenceLabels(
              Optional.of(classifier.linear("dense", hidden, hidden)),
              Activation.TANH,
              classifier.linear("out_proj", classifier.rows("out_proj.weight"), hidden));
    };
  }
}
