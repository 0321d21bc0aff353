package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Fidelity;
import dev.hone.runtime.Encoder;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * For embedders, without labels: the loss is 1 minus the mean cosine to the original's embeddings.
 */
public final class EmbeddingQuality extends EncoderQuality<List<float[]>> {
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
  String texts() {
    return texts.digest();
  }

  @Override
  List<String> calibrationTexts() {
    return texts.choose();
  }

  @Override
  List<float[]> answers(Encoder encoder, Part part) {
    return encoder.embed(texts.of(part));
  }

  @Override
  double divergence(List<float[]> original, List<float[]> embeddings) {
    return distance(original, embeddings);
  }

  /** 1 minus the mean cosine. */
  static double distance(List<float[]> original, List<float[]> embeddings) {
    return IntStream.range(0, original.size())
        .mapToDouble(i -> 1 - Fidelity.cosine(original.get(i), embeddings.get(i)))
        .average()
        .orElseThrow();
  }

  @Override
  Judgement judge(Part part, List<float[]> original, List<float[]> embeddings) {
    Fidelity fidelity = Fidelity.of(original, embeddings);
    Estimate loss = fidelity.loss(Bootstrap.STANDARD);
    return new Judgement(
        original.size(),
        loss,
        loss.value(),
        loss.value(),
        fidelity.minCosine(),
        fidelity.neighbourAgreement(),
        Map.of(),
        List.of());
  }
}
