package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.ClassFidelity;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Probabilities;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * For classifiers, without labels: the loss is the mean Kullback-Leibler divergence, in nats, from
 * the original's class probabilities; the share of texts whose answer changed stands beside it.
 */
public final class AnswerQuality implements Quality {
  private final Halves<String> texts;
  private final Map<Part, List<float[]>> originals = new EnumMap<>(Part.class);

  public AnswerQuality(Halves<String> texts) {
    this.texts = texts;
  }

  @Override
  public String lossMeaning() {
    return "mean KL divergence from the original's class probabilities, in nats";
  }

  @Override
  public String source() {
    return texts.source();
  }

  @Override
  public void remember(Encoder original) {
    for (Part part : Part.values()) {
      originals.put(part, probabilities(original, part));
    }
  }

  @Override
  public Judgement ofOriginal(Part part) {
    return judge(part, originals.get(part));
  }

  @Override
  public Judgement of(Encoder candidate, Part part) {
    return judge(part, probabilities(candidate, part));
  }

  private Judgement judge(Part part, List<float[]> probabilities) {
    ClassFidelity fidelity = ClassFidelity.of(originals.get(part), probabilities);
    return new Judgement(
        Bootstrap.STANDARD.mean(fidelity.divergences()),
        null,
        null,
        Map.of("changed answers", Bootstrap.STANDARD.mean(fidelity.changes())));
  }

  private List<float[]> probabilities(Encoder encoder, Part part) {
    return encoder.answers(texts.of(part)).stream()
        .map(rows -> Probabilities.softmax(rows[0]))
        .toList();
  }
}
