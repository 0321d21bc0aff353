package dev.hone.runtime;

import java.util.List;

/**
 * Labels that a model was never trained on, for zero-shot classification: a model of natural
 * language inference judges whether the text entails a sentence about each label. Yin, Hay, Roth,
 * "Benchmarking Zero-shot Text Classification".
 *
 * @param template the sentence; {@code {}} stands for the label
 * @param multiLabel whether each label is judged for itself, instead of all competing for one text
 */
public record Candidates(List<String> labels, String template, boolean multiLabel) {
  private static final String PLACE = "{}";

  public Candidates {
    labels = List.copyOf(labels);
    if (labels.isEmpty()) {
      throw new IllegalArgumentException("no candidate labels: give at least one");
    }
    if (!template.contains(PLACE)) {
      throw new IllegalArgumentException(
          "the template has no " + PLACE + " where the label goes: template=" + template);
    }
  }

  /** Labels of which one holds: their scores sum to 1. */
  public static Candidates oneOf(String... labels) {
    return new Candidates(List.of(labels), "This example is {}.", false);
  }

  /** Labels of which several may hold, or none: each is judged for itself. */
  public static Candidates anyOf(String... labels) {
    return new Candidates(List.of(labels), "This example is {}.", true);
  }

  /** The same labels in another sentence. */
  public Candidates template(String sentence) {
    return new Candidates(labels, sentence, multiLabel);
  }

  /** The sentence about a label. */
  String hypothesis(int label) {
    return template.replace(PLACE, labels.get(label));
  }
}
