package dev.hone.measure;

import dev.hone.model.format.FormatException;
import dev.hone.runtime.Encoder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * What a model answered to the examples of a task.
 *
 * @param predicted a cosine, or the index of a class, for every example
 * @param expected the score, or the index of the class, for every example
 */
public record TaskScore(Task task, double[] predicted, double[] expected) {

  /** Asks an encoder what the task is about. */
  public static TaskScore of(Task task, Encoder encoder, List<Example> examples) {
    return switch (task.kind()) {
      case SIMILARITY -> ofEmbeddings(task, examples, encoder::embed);
      case CLASSIFICATION ->
          ofClasses(
              task,
              examples,
              encoder.labels(),
              texts -> encoder.answers(texts).stream().map(rows -> rows[0]).toList());
    };
  }

  /**
   * Asks a model that embeds.
   *
   * @param embed [text] to [text, dim]
   */
  public static TaskScore ofEmbeddings(
      Task task, List<Example> examples, Function<List<String>, List<float[]>> embed) {
    require(task, Task.Kind.SIMILARITY, "embeds texts");
    double[] scores = examples.stream().mapToDouble(TaskScore::score).toArray();
    List<float[]> left = embed.apply(examples.stream().map(Example::text).toList());
    List<float[]> right = embed.apply(examples.stream().map(Example::pair).toList());
    double[] cosines =
        IntStream.range(0, scores.length)
            .mapToDouble(i -> Fidelity.cosine(left.get(i), right.get(i)))
            .toArray();
    return new TaskScore(task, cosines, scores);
  }

  /**
   * Asks a model that classifies.
   *
   * @param labels the model's labels in the order of its scores
   * @param classify [text] to logits or probabilities [text, class]
   */
  public static TaskScore ofClasses(
      Task task,
      List<Example> examples,
      List<String> labels,
      Function<List<String>, List<float[]>> classify) {
    require(task, Task.Kind.CLASSIFICATION, "classifies texts");
    double[] classes = examples.stream().mapToDouble(e -> index(task, e, labels)).toArray();
    List<float[]> scores = classify.apply(examples.stream().map(Example::text).toList());
    double[] likeliest =
        IntStream.range(0, classes.length)
            .mapToDouble(i -> ClassFidelity.likeliest(scores.get(i)))
            .toArray();
    return new TaskScore(task, likeliest, classes);
  }

  /** The task's metrics with their intervals, the one that a loss is measured by first. */
  public Map<Metric, Estimate> estimates(Bootstrap bootstrap) {
    var estimates = new LinkedHashMap<Metric, Estimate>();
    for (Metric metric : task.metrics()) {
      estimates.put(metric, bootstrap.metric(metric, predicted, expected));
    }
    return estimates;
  }

  /** The drop of the task's first metric from the original's score, relative to that. */
  public Estimate lossFrom(TaskScore original, Bootstrap bootstrap) {
    return bootstrap.relativeDrop(task.metric(), original.predicted, predicted, expected);
  }

  private static void require(Task task, Task.Kind kind, String model) {
    if (task.kind() != kind) {
      throw new TaskException(
          "the task asks for "
              + task.kind().name().toLowerCase(java.util.Locale.ROOT)
              + " ("
              + task.title()
              + "), but the model only "
              + model);
    }
  }

  private static double score(Example example) {
    try {
      double score = Double.parseDouble(example.expected());
      if (Double.isFinite(score)) {
        return score;
      }
    } catch (NumberFormatException e) {
      // Told below, like an infinite one.
    }
    throw new FormatException(
        example.place()
            + ": score '"
            + example.expected()
            + "' is not a number;"
            + " check which column holds the scores");
  }

  /**
   * The model's index of a label: by the model's names; by the task's, which give numbers names; by
   * number alone where one of the two has no names of its own.
   */
  private static int index(Task task, Example example, List<String> labels) {
    String label = example.expected().strip();
    int named = indexIgnoringCase(labels, label);
    if (named >= 0) {
      return named;
    }
    int number =
        label.matches("\\d{1,6}")
            ? Integer.parseInt(label)
            : indexIgnoringCase(task.labels(), label);
    if (number >= 0 && number < task.labels().size()) {
      int translated = indexIgnoringCase(labels, task.labels().get(number));
      if (translated >= 0) {
        return translated;
      }
    }
    boolean unnamed =
        task.labels().isEmpty() || labels.stream().allMatch(l -> l.matches("LABEL_\\d+"));
    if (number < 0 || number >= labels.size() || !unnamed) {
      throw new FormatException(
          example.place()
              + ": label '"
              + label
              + "' is none of the model's "
              + labels
              + "; rename the labels in the file to these");
    }
    return number;
  }

  private static int indexIgnoringCase(List<String> names, String name) {
    return IntStream.range(0, names.size())
        .filter(i -> names.get(i).equalsIgnoreCase(name))
        .findFirst()
        .orElse(-1);
  }
}
