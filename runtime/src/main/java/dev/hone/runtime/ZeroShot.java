package dev.hone.runtime;

import dev.hone.model.format.Config;
import dev.hone.tokenizer.Truncation;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** Judges candidate labels by the logits of a model of natural language inference. */
final class ZeroShot {
  private final PackedRun run;
  private final Candidates candidates;
  private final int entailment;
  private final int contradiction;

  /**
   * @throws UnsupportedByModelException if none of the model's labels is entailment
   */
  ZeroShot(PackedRun run, Candidates candidates) {
    List<String> names = Labels.ofTexts(run).names();
    this.run = run;
    this.candidates = candidates;
    this.entailment = entailment(run.model().config(), names);
    this.contradiction = entailment == 0 ? names.size() - 1 : 0;
  }

  /** The candidates for each text, best first. Where a pair is too long, the text is cut. */
  List<List<Label>> classify(List<String> texts) {
    int labels = candidates.labels().size();
    List<float[]> logits =
        run.pairs(
            Math.multiplyExact(texts.size(), labels),
            labels,
            i -> new TextPair(texts.get(i / labels), candidates.hypothesis(i % labels)),
            Truncation.ONLY_FIRST,
            (pair, encoding, rows) -> rows[0]);
    return IntStream.range(0, texts.size())
        .mapToObj(i -> logits.subList(i * labels, (i + 1) * labels).toArray(float[][]::new))
        .map(this::scored)
        .toList();
  }

  private static int entailment(Config config, List<String> names) {
    Config ids = config.object("label2id").orElse(null);
    if (ids == null) {
      return IntStream.range(0, names.size())
          .filter(i -> isEntailment(names.get(i)))
          .findFirst()
          .orElseThrow(() -> noEntailment(config, names));
    }
    String name =
        ids.json()
            .propertyStream()
            .map(Map.Entry::getKey)
            .filter(ZeroShot::isEntailment)
            .findFirst()
            .orElseThrow(() -> noEntailment(config, names));
    int id = ids.integer(name, -1);
    if (id < 0 || id >= names.size()) {
      throw ids.wrong(name, "a label's id, 0 to " + (names.size() - 1));
    }
    return id;
  }

  private static boolean isEntailment(String label) {
    return label.toLowerCase(Locale.ROOT).startsWith("entail");
  }

  private static UnsupportedByModelException noEntailment(Config config, List<String> names) {
    return new UnsupportedByModelException(
        "candidate labels need a model of natural language inference: none of the labels that "
            + config.source()
            + " names is entailment: "
            + names);
  }

  /**
   * The candidates, best first.
   *
   * @param logits [candidate, label]
   */
  private List<Label> scored(float[][] logits) {
    float[] scores = new float[logits.length];
    if (candidates.multiLabel() || logits.length == 1) {
      for (int i = 0; i < scores.length; i++) {
        scores[i] = Probabilities.softmax(logits[i][contradiction], logits[i][entailment])[1];
      }
    } else {
      for (int i = 0; i < scores.length; i++) {
        scores[i] = logits[i][entailment];
      }
      scores = Probabilities.softmax(scores);
    }
    return Labels.ranked(candidates.labels(), scores);
  }
}
