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
 * BERT and what differs from it in names and first position only: RoBERTa and XLM-RoBERTa. Devlin
 * et al., "BERT: Pre-training of Deep Bidirectional Transformers"; Liu et al., "RoBERTa".
 *
 * @param root prefix of the encoder's names where a head stands beside it
 * @param roberta positions start after the padding id, and the head has its dense layer inside
 */
record Bert(String root, boolean roberta) implements Architecture {

  @Override
  public Transformer read(Config config, Layers layers) {
    config.require("position_embedding_type", "absolute");
    int hidden = config.positive("hidden_size", ConfigLimits.WIDTH);
    int heads = ConfigLimits.heads(config, "num_attention_heads", hidden);
    int intermediate = config.positive("intermediate_size", ConfigLimits.WIDTH);
    float epsilon = config.number("layer_norm_eps", 1e-12f);
    Activation activation = Activations.of(config, "hidden_act");
    var shape = AttentionShape.of(heads, hidden / heads);
    Layers encoder = layers.inOptional(root);
    return new Transformer(
        embeddings(config, encoder.in("embeddings"), hidden, epsilon),
        IntStream.range(0, config.positive("num_hidden_layers", ConfigLimits.LAYERS))
            .mapToObj(
                i -> {
                  Layers layer = encoder.in("encoder.layer." + i);
                  return new Block(
                      Attention.everywhere(
                          layer.linear("attention.self.query", hidden, hidden),
                          layer.linear("attention.self.key", hidden, hidden),
                          layer.linear("attention.self.value", hidden, hidden),
                          layer.linear("attention.output.dense", hidden, hidden),
                          shape),
                      Norms.after(layer.layerNorm("attention.output.LayerNorm", hidden, epsilon)),
                      new FeedForward.Mlp(
                          layer.linear("intermediate.dense", intermediate, hidden),
                          activation,
                          layer.linear("output.dense", hidden, intermediate)),
                      Norms.after(layer.layerNorm("output.LayerNorm", hidden, epsilon)),
                      Block.Flow.SEQUENTIAL);
                })
            .toList(),
        head(layers, encoder, config, hidden));
  }

  private Embeddings embeddings(Config config, Layers layers, int hidden, float epsilon) {
    int types = config.integer("type_vocab_size", 2);
    int positions = config.positive("max_position_embeddings", ConfigLimits.POSITIONS);
    return new Embeddings(
        layers.embedding(
            "word_embeddings", config.positive("vocab_size", ConfigLimits.VOCABULARY), hidden),
        Optional.of(layers.embedding("position_embeddings", positions, hidden)),
        roberta ? firstPosition(config, positions) : 0,
        types > 0
            ? Optional.of(layers.embedding("token_type_embeddings", types, hidden))
            : Optional.empty(),
        Optional.of(layers.layerNorm("LayerNorm", hidden, epsilon)));
  }

  private static int firstPosition(Config config, int positions) {
    int padding = config.integer("pad_token_id", 1);
    if (padding < 0 || padding > positions - 2) {
      throw config.wrong(
          "pad_token_id",
          "at least 0 and below max_position_embeddings - 1 = "
              + (positions - 1)
              + " (positions start after it)");
    }
    return padding + 1;
  }

  private Head head(Layers layers, Layers encoder, Config config, int hidden) {
    return switch (HeadKind.of(config)) {
      case NONE, NEXT_TOKEN -> new Head.HiddenStates();
      case TOKEN_LABELS ->
          new Head.TokenLabels(
              layers.linear("classifier", layers.rows("classifier.weight"), hidden));
      case SEQUENCE_LABELS -> {
        Layers inside = layers.in("classifier");
        yield roberta
            ? new Head.SequenceLabels(
                Optional.of(inside.linear("dense", hidden, hidden)),
                Activation.TANH,
                inside.linear("out_proj", inside.rows("out_proj.weight"), hidden))
            : new Head.SequenceLabels(
                Optional.of(encoder.linear("pooler.dense", hidden, hidden)),
                Activation.TANH,
                layers.linear("classifier", layers.rows("classifier.weight"), hidden));
      }
    };
  }
}
