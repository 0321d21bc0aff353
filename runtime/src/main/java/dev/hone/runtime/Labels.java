package dev.hone.runtime;

import dev.hone.model.Head;
import dev.hone.model.format.Config;
import dev.hone.model.format.FormatException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** A classifier's labels as its config names them, and what its logits say of each. */
record Labels(List<String> names, Scoring scoring) {

  /** How logits become scores. */
  private enum Scoring {
    /** One label holds. */
    SOFTMAX,
    /** Every label for itself. */
    SIGMOID,
    /** The logits are the answer. */
    RAW
  }

  /** The labels that the model gives whole texts. */
  static Labels ofTexts(PackedRun run) {
    var head = run.head(Head.SequenceLabels.class, "no labels for texts, so it cannot classify");
    return of(run.model().config(), head.out().out());
  }

  /** The labels that the model gives tokens. */
  static Labels ofTokens(PackedRun run) {
    var head = run.head(Head.TokenLabels.class, "no labels for tokens, so it cannot tag");
    return of(run.model().config(), head.out().out());
  }

  /**
   * @param count labels that the classifier has
   */
  static Labels of(Config config, int count) {
    return new Labels(names(config, count), scoring(config, count));
  }

  private static List<String> names(Config config, int count) {
    Config named = config.object("id2label").orElse(null);
    if (named == null) {
      return IntStream.range(0, count).mapToObj(i -> "LABEL_" + i).toList();
    }
    if (named.json().size() != count) {
      throw new FormatException(
          named.source()
              + " names "
              + named.json().size()
              + " labels, the classifier has "
              + count);
    }
    return IntStream.range(0, count).mapToObj(i -> named.text(String.valueOf(i))).toList();
  }

  private static Scoring scoring(Config config, int count) {
    return switch (config.text("problem_type", count == 1 ? "" : "single_label_classification")) {
      case "regression" -> Scoring.RAW;
      case "multi_label_classification" -> Scoring.SIGMOID;
      case "single_label_classification" -> count == 1 ? Scoring.SIGMOID : Scoring.SOFTMAX;
      case "" -> Scoring.SIGMOID;
      default ->
          throw config.wrong(
              "problem_type",
              "regression, single_label_classification or multi_label_classification");
    };
  }

  /** All labels, best first. */
  List<Label> scored(float[] logits) {
    float[] scores =
        switch (scoring) {
          case SOFTMAX -> Probabilities.softmax(logits);
          case SIGMOID -> sigmoid(logits);
          case RAW -> logits;
        };
    return ranked(names, scores);
  }

  private static float[] sigmoid(float[] logits) {
    float[] scores = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      scores[i] = Probabilities.sigmoid(logits[i]);
    }
    return scores;
  }

  /** Labels with their scores, best first; equal ones stay in order. */
  static List<Label> ranked(List<String> names, float[] scores) {
    var labels = new ArrayList<Label>(scores.length);
    for (int i = 0; i < scores.length; i++) {
      labels.add(new Label(names.get(i), scores[i]));
    }
    labels.sort(Comparator.comparingDouble(Label::score).reversed());
    return List.copyOf(labels);
  }
}
