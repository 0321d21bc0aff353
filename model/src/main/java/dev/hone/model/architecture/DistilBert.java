package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Head;
import dev.hone.model.Norms;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionShape;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Sanh et al., "DistilBERT, a distilled version of BERT": BERT without segments and without a
 * pooler.
 */
record DistilBert() implements Architecture {
  private static final float EPSILON = 1e-12f;

  @Override
  public Transformer read(Config config, Layers layers) {
    int hidden = config.positive("dim", ConfigLimits.WIDTH);
    int heads = ConfigLimits.heads(config, "n_heads", hidden);
    int intermediate = config.positive("hidden_dim", ConfigLimits.WIDTH);
    Activation activation = Activations.of(config, "activation");
    var shape = AttentionShape.of(heads, hidden / heads);
    Layers encoder = layers.inOptional("distilbert");
    Layers embeddings = encoder.in("embeddings");
    return new Transformer(
        new Embeddings(
            embeddings.embedding(
                "word_embeddings", config.positive("vocab_size", ConfigLimits.VOCABULARY), hidden),
            Optional.of(
                embeddings.embedding(
                    "position_embeddings",
                    config.positive("max_position_embeddings", ConfigLimits.POSITIONS),
                    hidden)),
            0,
            Optional.empty(),
            Optional.of(embeddings.layerNorm("LayerNorm", hidden, EPSILON))),
        IntStream.range(0, config.positive("n_layers", ConfigLimits.LAYERS))
            .mapToObj(
                i -> {
                  Layers layer = encoder.in("transformer.layer." + i);
                  return new Block(
                      Attention.everywhere(
                          layer.linear("attention.q_lin", hidden, hidden),
                          layer.linear("attention.k_lin", hidden, hidden),
                          layer.linear("attention.v_lin", hidden, hidden),
                          layer.linear("attention.out_lin", hidden, hidden),
                          shape),
                      Norms.after(layer.layerNorm("sa_layer_norm", hidden, EPSILON)),
                      new FeedForward.Mlp(
                          layer.linear("ffn.lin1", intermediate, hidden),
                          activation,
                          layer.linear("ffn.lin2", hidden, intermediate)),
                      Norms.after(layer.layerNorm("output_layer_norm", hidden, EPSILON)),
                      Block.Flow.SEQUENTIAL);
                })
            .toList(),
        head(layers, config, hidden));
  }

  private static Head head(Layers layers, Config config, int hidden) {
    return switch (HeadKind.of(config)) {
      case NONE, NEXT_TOKEN -> new Head.HiddenStates();
      case TOKEN_LABELS ->
          new Head.TokenLabels(
              layers.linear("classifier", layers.rows("classifier.weight"), hidden));
      case SEQUENCE_LABELS ->
          new Head.SequenceLabels(
              Optional.of(layers.linear("pre_classifier", hidden, hidden)),
              Activation.RELU,
              layers.linear("classifier", layers.rows("classifier.weight"), hidden));
    };
  }
}
