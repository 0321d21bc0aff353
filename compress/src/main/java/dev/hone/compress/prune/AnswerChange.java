package dev.hone.compress.prune;

import dev.hone.compress.calibrate.Calibration;
import dev.hone.measure.ClassFidelity;
import dev.hone.model.Batch;
import dev.hone.model.Head;
import dev.hone.model.Transformer;
import dev.hone.runtime.Engine;
import dev.hone.runtime.Probabilities;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How far a changed model's answers are from the original's, without labels: a classifier's by the
 * mean divergence of its probabilities, others' by the squared difference of their vectors as a
 * share of their square; of decoders the last hidden states count.
 */
final class AnswerChange {
  /** Tokens that are enough to tell which part matters more. */
  private static final int TOKENS = 8192;

  private final Calibration calibration;
  private final List<Batch> batches;
  private final boolean classes;
  private final List<float[]> original;

  AnswerChange(Transformer model, Calibration calibration) {
    this.calibration = calibration;
    this.classes = model.head() instanceof Head.SequenceLabels;
    this.batches = some(calibration.batches());
    this.original = answers(model);
  }

  /** Batches from all lengths of texts. */
  private static List<Batch> some(List<Batch> all) {
    long tokens = all.stream().mapToLong(Batch::tokens).sum();
    int count = Math.clamp(Math.ceilDiv(all.size() * (long) TOKENS, tokens), 1, all.size());
    return IntStream.range(0, count)
        .mapToObj(i -> all.get((int) ((i + 0.5) * all.size() / count)))
        .toList();
  }

  /** The change; 0: none. */
  double of(Transformer changed) {
    List<float[]> answers = answers(changed);
    if (classes) {
      return ClassFidelity.of(original, answers).meanDivergence();
    }
    double difference = 0;
    double power = 0;
    for (int i = 0; i < answers.size(); i++) {
      for (int j = 0; j < answers.get(i).length; j++) {
        double d = answers.get(i)[j] - original.get(i)[j];
        difference += d * d;
        power += (double) original.get(i)[j] * original.get(i)[j];
      }
    }
    return power == 0 ? 0 : difference / power;
  }

  private List<float[]> answers(Transformer model) {
    List<float[]> all = new ArrayList<>();
    Transformer asked =
        model.head() instanceof Head.NextToken ? model.with(new Head.HiddenStates()) : model;
    try (var engine = new Engine(asked, calibration.kernels())) {
      for (Batch batch : batches) {
        for (float[] row : engine.run(batch)) {
          all.add(classes ? Probabilities.softmax(row) : row);
        }
      }
    }
    return Arrays.asList(all.toArray(float[][]::new));
  }
}
