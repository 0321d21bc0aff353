package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.ClassFidelity;
import dev.hone.measure.Estimate;
import dev.hone.measure.report.ChangedAnswer;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Probabilities;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * For classifiers, without labels: the loss is the mean Kullback-Leibler divergence, in nats, from
 * the original's class probabilities; the share of texts whose answer changed stands beside it.
 */
public final class AnswerQuality extends EncoderQuality<AnswerQuality.Answers> {
  private final Halves<String> texts;

  public AnswerQuality(Halves<String> texts) {
    this.texts = texts;
  }

  /**
   * What a classifier answers.
   *
   * @param probabilities [text, label]
   */
  record Answers(List<String> labels, List<float[]> probabilities) {
    static Answers of(Encoder encoder, List<String> texts) {
      return new Answers(
          encoder.labels(),
          encoder.answers(texts).stream().map(rows -> Probabilities.softmax(rows[0])).toList());
    }

    ClassFidelity fidelityTo(Answers original) {
      return ClassFidelity.of(original.probabilities, probabilities);
    }

    /** The likeliest label of a text. */
    String label(int text) {
      return labels.get(ClassFidelity.likeliest(probabilities.get(text)));
    }
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
  String texts() {
    return texts.digest();
  }

  @Override
  List<String> calibrationTexts() {
    return texts.choose();
  }

  @Override
  Answers answers(Encoder encoder, Part part) {
    return Answers.of(encoder, texts.of(part));
  }

  @Override
  double divergence(Answers original, Answers answers) {
    return answers.fidelityTo(original).meanDivergence();
  }

  @Override
  Judgement judge(Part part, Answers original, Answers answers) {
    ClassFidelity fidelity = answers.fidelityTo(original);
    Estimate loss = Bootstrap.STANDARD.mean(fidelity.divergences());
    return new Judgement(
        texts.of(part).size(),
        loss,
        loss.value(),
        loss.value(),
        null,
        null,
        Map.of("changed answers", Bootstrap.STANDARD.mean(fidelity.changes())),
        IntStream.range(0, texts.of(part).size())
            .filter(i -> fidelity.changes()[i] > 0)
            .mapToObj(
                i ->
                    new ChangedAnswer(
                        texts.of(part).get(i), null, original.label(i), answers.label(i)))
            .toList());
  }
}
