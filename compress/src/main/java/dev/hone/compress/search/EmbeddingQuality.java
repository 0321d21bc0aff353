package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Fidelity;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Needs no labels: the loss is 1 minus the mean cosine to the original's embeddings. */
public final class EmbeddingQuality implements Quality {
  private static final int SAMPLE = 48;

  private final String source;
  private final Map<Part, List<String>> texts;
  private final Map<Part, List<float[]>> originals = new EnumMap<>(Part.class);

  /**
   * @param source where the texts come from, as reports say it
   */
  public EmbeddingQuality(String source, List<String> choose, List<String> report) {
    this.source = source;
    this.texts =
        Map.of(
            Part.SAMPLE, everyNth(choose, Math.max(1, choose.size() / SAMPLE)),
            Part.CHOOSE, choose,
            Part.REPORT, report);
  }

  @Override
  public String lossMeaning() {
    return "1 - mean cosine to the original's embeddings";
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public void remember(Encoder original) {
    texts.forEach((part, list) -> originals.put(part, original.embed(list)));
  }

  @Override
  public Judgement of(Encoder candidate, Part part) {
    Fidelity fidelity = Fidelity.of(originals.get(part), candidate.embed(texts.get(part)));
    return new Judgement(
        fidelity.loss(Bootstrap.STANDARD),
        fidelity.minCosine(),
        fidelity.neighbourAgreement(),
        Map.of());
  }

  private static List<String> everyNth(List<String> texts, int n) {
    return IntStream.range(0, texts.size()).filter(i -> i % n == 0).mapToObj(texts::get).toList();
  }
}
