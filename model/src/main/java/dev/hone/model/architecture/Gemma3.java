package dev.hone.model.architecture;

import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.model.format.Config;
import dev.hone.tensor.Activation;
import java.util.Optional;

/**
 * Gemma 2 with norms of every head's query and key instead of caps, more layers with a window, and
 * rotary positions of their own in these. Gemma Team, "Gemma 3 Technical Report", section 2.
 */
record Gemma3() implements Architecture {
  private static final RopeConfig GLOBAL = RopeConfig.USUAL.withTheta("rope_theta", 1e6f);
  private static final RopeConfig LOCAL =
      RopeConfig.USUAL.withTheta("rope_local_base_freq", 1e4f).unscaled();

  @Override
  public Transformer read(Config config, Layers layers) {
    DecoderParts parts = Gemma2.parts(config, layers);
    Activation activation = Activations.of(config, "hidden_activation");
    int dim = parts.shape().headDim();
    Rope full = GLOBAL.read(config, Windows.FULL, dim);
    Rope sliding = LOCAL.read(config, Windows.SLIDING, dim);
    Windows windows = Windows.ALL_BUT_EVERY_NTH;
    return parts.transformer(
        (float) Math.sqrt(parts.hidden()),
        true,
        config.number("final_logit_softcapping", 0),
        i -> {
          Layers layer = parts.layer(i);
          Layers self = layer.in("self_attn");
          return Gemma2.block(
              parts,
              layer,
              parts.attention(
                  self,
                  windows.mask(config, i),
                  windows.slides(config, i) ? sliding : full,
                  Optional.of(parts.headNorm(self, "q_norm", dim)),
                  Optional.of(parts.headNorm(self, "k_norm", dim))),
              activation);
        });
  }
}
