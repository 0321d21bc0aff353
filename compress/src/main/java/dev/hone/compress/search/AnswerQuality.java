package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.ClassFidelity;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Probabilities;
import java.util.List;
import java.util.Map;

/**
 * For classifiers, without labels: the loss is the mean Kullback-Leibler divergence, in nats, from
 * the original's class probabilities; the share of texts whose answer changed stands beside it.
 */
public final class AnswerQuality extends Quality<List<float[]>> {
  private final Halves<String> texts;

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
  List<float[]> answers(Encoder encoder, Part part) {
    return encoder.answers(texts.of(part)).stream()
        .map(rows -> Probabilities.softmax(rows[0]))
        .toList();
  }

  @Override
  Judgement judge(List<float[]> original, List<float[]> probabilities) {
    ClassFidelity fidelity = ClassFidelity.of(original, probabilities);
    return new Judgement(
        Bootstrap.STANDARD.mean(fidelity.divergences()),
        null,
        null,
        Map.of("changed answers", Bootstrap.STANDARD.mean(fidelity.changes())));
  }
}
