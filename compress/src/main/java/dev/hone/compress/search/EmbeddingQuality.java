package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Fidelity;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * For embedders, without labels: the loss is 1 minus the mean cosine to the original's embeddings.
 */
public final class EmbeddingQuality implements Quality {
  private final Halves<String> texts;
  private final Map<Part, List<float[]>> originals = new EnumMap<>(Part.class);

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
  public void remember(Encoder original) {
    for (Part part : Part.values()) {
      originals.put(part, original.embed(texts.of(part)));
    }
  }

  @Override
  public Judgement ofOriginal(Part part) {
    return judge(part, originals.get(part));
  }

  @Override
  public Judgement of(Encoder candidate, Part part) {
    return judge(part, candidate.embed(texts.of(part)));
  }

  private Judgement judge(Part part, List<float[]> embeddings) {
    Fidelity fidelity = Fidelity.of(originals.get(part), embeddings);
    return new Judgement(
        fidelity.loss(Bootstrap.STANDARD),
        fidelity.minCosine(),
        fidelity.neighbourAgreement(),
        Map.of());
  }
}
