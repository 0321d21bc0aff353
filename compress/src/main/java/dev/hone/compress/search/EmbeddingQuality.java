package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Fidelity;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Needs no labels: the loss is 1 minus the mean cosine to the original's embeddings. */
public final class EmbeddingQuality implements Quality {
  private final Map<Part, List<String>> texts;
  private final Map<Part, float[][]> originals = new EnumMap<>(Part.class);

  public EmbeddingQuality(Map<Part, List<String>> texts) {
    this.texts = Map.copyOf(texts);
  }

  @Override
  public String lossMeaning() {
    return "1 - mean cosine to the original's embeddings";
  }

  @Override
  public void remember(Encoder original) {
    texts.forEach((part, list) -> originals.put(part, embed(original, list)));
  }

  @Override
  public Judgement of(Encoder candidate, Part part) {
    Fidelity fidelity = Fidelity.of(originals.get(part), embed(candidate, texts.get(part)));
    var figures = new LinkedHashMap<String, Double>();
    figures.put("meanCosine", fidelity.meanCosine());
    figures.put("minCosine", fidelity.minCosine());
    figures.put("neighbourAgreement", fidelity.neighbourAgreement());
    return new Judgement(fidelity.loss(Bootstrap.STANDARD), figures);
  }

  private static float[][] embed(Encoder encoder, List<String> texts) {
    return encoder.embed(texts).toArray(float[][]::new);
  }
}
