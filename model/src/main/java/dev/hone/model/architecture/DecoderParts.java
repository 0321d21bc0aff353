package dev.hone.model.architecture;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.Embeddings;
import dev.hone.model.FeedForward;
import dev.hone.model.Head;
import dev.hone.model.Linear;
import dev.hone.model.Norm;
import dev.hone.model.Position;
import dev.hone.model.Projections;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What configs and checkpoints of decoders since Llama spell alike.
 *
 * @param root the checkpoint
 * @param model what stands under {@code model.}
 * @param shape of attention, with the usual scale
 * @param normShift added to the weights of norms
 */
record DecoderParts(
    Config config,
    Layers root,
    Layers model,
    int hidden,
    AttentionShape shape,
    float epsilon,
    float normShift) {

  static DecoderParts of(Config config, Layers layers) {
    int hidden = config.positive("hidden_size", ConfigLimits.WIDTH);
    int heads = config.positive("num_attention_heads", ConfigLimits.WIDTH);
    int kvHeads = config.positive("num_key_value_heads", heads, heads);
    if (heads % kvHeads != 0) {
      throw config.wrong("num_key_value_heads", "a divisor of the " + heads + " heads");
    }
    int headDim =
        config.has("head_dim")
            ? config.positive("head_dim", ConfigLimits.WIDTH)
            : hidden / ConfigLimits.heads(config, "num_attention_heads", hidden);
    return new DecoderParts(
        config,
        layers,
        layers.inOptional("model"),
        hidden,
        new AttentionShape(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim))),
        config.number("rms_norm_eps", 1e-6f),
        0);
  }

  DecoderParts with(AttentionShape other) {
    return new DecoderParts(config, root, model, hidden, other, epsilon, normShift);
  }

  DecoderParts withNormShift(float shift) {
    return new DecoderParts(config, root, model, hidden, shape, epsilon, shift);
  }

  /**
   * The model of these blocks.
   *
   * @param scale factor on the word embeddings
   * @param tied whether the head is the word table where the config does not say
   * @param softCap of the logits
   */
  Transformer transformer(float scale, boolean tied, float softCap, IntFunction<Block> block) {
    int entries = config.positive("vocab_size", ConfigLimits.VOCABULARY);
    return new Transformer(
        Embeddings.of(
            model.embedding("embed_tokens", entries, hidden, tied(config, tied), root, "lm_head"),
            scale,
            config.positive("max_position_embeddings", ConfigLimits.POSITIONS)),
        IntStream.range(0, config.positive("num_hidden_layers", ConfigLimits.LAYERS))
            .mapToObj(block)
            .toList(),
        Optional.of(norm(model, "norm")),
        head(config, root, "lm_head", entries, hidden, tied, softCap));
  }

  /** The layers of a block. */
  Layers layer(int index) {
    return model.in("layers." + index);
  }

  Norm norm(Layers layer, String name) {
    return layer.rmsNorm(name, hidden, normShift, epsilon);
  }

  /** A norm of queries or keys. */
  Norm headNorm(Layers layer, String name, int dim) {
    return layer.rmsNorm(name, dim, normShift, epsilon);
  }

  Attention attention(Layers self, AttentionMask mask, Position position) {
    return attention(self, mask, position, Optional.empty(), Optional.empty());
  }

  Attention attention(
      Layers self,
      AttentionMask mask,
      Position position,
      Optional<Norm> queryNorm,
      Optional<Norm> keyNorm) {
    return attention(
        new Projections.Separate(
            self.linear("q_proj", queries(), hidden),
            self.linear("k_proj", keys(), hidden),
            self.linear("v_proj", keys(), hidden)),
        self,
        mask,
        position,
        queryNorm,
        keyNorm);
  }

  Attention attention(
      Projections projections,
      Layers self,
      AttentionMask mask,
      Position position,
      Optional<Norm> queryNorm,
      Optional<Norm> keyNorm) {
    return new Attention(
        projections,
        self.linear("o_proj", hidden, queries()),
        shape,
        Attention.Keys.OWN_SEQUENCE,
        mask,
        position,
        queryNorm,
        keyNorm);
  }

  /** Numbers of all queries of a token. */
  int queries() {
    return shape.heads() * shape.headDim();
  }

  /** Numbers of all keys of a token. */
  int keys() {
    return shape.kvHeads() * shape.headDim();
  }

  /** {@code gate_proj}, {@code up_proj} and {@code down_proj}. */
  FeedForward gated(Layers mlp, String intermediateField, Activation activation) {
    int intermediate = config.positive(intermediateField, ConfigLimits.WIDTH);
    return gated(mlp, "gate_proj", "up_proj", "down_proj", intermediate, activation);
  }

  FeedForward gated(
      Layers mlp, String gate, String up, String down, int intermediate, Activation activation) {
    return new FeedForward.Gated(
        mlp.linear(gate, intermediate, hidden),
        mlp.linear(up, intermediate, hidden),
        activation,
        mlp.linear(down, hidden, intermediate));
  }

  /**
   * Whether the head is the word table.
   *
   * @param usual where the config does not say
   */
  static boolean tied(Config config, boolean usual) {
    return config.flag("tie_word_embeddings", usual);
  }

  /**
   * What the config's {@code architectures} says of a decoder's head.
   *
   * @param tied whether it is the word table where the config does not say
   */
  static Head head(
      Config config,
      Layers root,
      String name,
      int entries,
      int hidden,
      boolean tied,
      float softCap) {
    return switch (HeadKind.of(config)) {
      case NONE -> new Head.HiddenStates();
      case NEXT_TOKEN -> {
        Optional<Linear> out =
            tied(config, tied) ? Optional.empty() : Optional.of(root.linear(name, entries, hidden));
        yield new Head.NextToken(out, softCap);
      }
      case SEQUENCE_LABELS, TOKEN_LABELS ->
          throw config.wrong(
              "architectures",
              "a causal language model (labels of decoders are not supported yet)");
    };
  }
}
