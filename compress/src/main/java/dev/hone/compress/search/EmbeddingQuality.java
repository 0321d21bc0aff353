package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Fidelity;
import dev.hone.runtime.Encoder;
import java.util.List;
import java.util.Map;

/**
 * For embedders, without labels: the loss is 1 minus the mean cosine to the original's embeddings.
 */
public final class EmbeddingQuality extends Quality<List<float[]>> {
  private final Halves<String> texts;

  public EmbeddingQuality(Halves<String> texts) {
    this.texts = texts;
  }

  @Override
  public String lossMeaning() {
    return "1 - mean cosine to the original's embeddings";
  }

  @Override
  public String source() {
    return texts.source();
  }

  @Override
  List<float[]> answers(Encoder encoder, Part part) {
    return encoder.embed(texts.of(part));
  }

  @Override
  Judgement judge(List<float[]> original, List<float[]> embeddings) {
    Fidelity fidelity = Fidelity.of(original, embeddings);
    return new Judgement(
        fidelity.loss(Bootstrap.STANDARD),
        fidelity.minCosine(),
        fidelity.neighbourAgreement(),
        Map.of());
  }
}
