package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.ClassFidelity;
import dev.hone.measure.Estimate;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.measure.report.ChangedAnswer;
import dev.hone.runtime.Encoder;
import dev.hone.runtime.Probabilities;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The loss is the drop of a task's first metric, relative to the original's. */
public final class TaskQuality extends EncoderQuality<TaskQuality.Answers> {
  private final Task task;
  private final Halves<Example> examples;

  public TaskQuality(Task task, Halves<Example> examples) {
    this.task = task;
    this.examples = examples;
  }

  /**
   * What a model answers.
   *
   * @param labels of a classifier, else empty
   * @param outputs class probabilities of every text, or the embeddings of the first texts of all
   *     pairs and then of the second ones
   */
  record Answers(TaskScore score, List<String> labels, List<float[]> outputs) {}

  @Override
  public String lossMeaning() {
    return "drop of " + task.metric().label() + " relative to the original's";
  }

  @Override
  public String source() {
    return examples.source();
  }

  @Override
  String texts() {
    return examples.digest();
  }

  @Override
  List<String> calibrationTexts() {
    return examples.choose().stream()
        .flatMap(example -> Stream.of(example.text(), example.pair()))
        .filter(Objects::nonNull)
        .toList();
  }

  @Override
  Answers answers(Encoder encoder, Part part) {
    List<Example> asked = examples.of(part);
    return switch (task.kind()) {
      case SIMILARITY -> {
        List<float[]> outputs = new ArrayList<>();
        TaskScore score =
            TaskScore.ofEmbeddings(
                task,
                asked,
                texts -> {
                  List<float[]> vectors = encoder.embed(texts);
                  outputs.addAll(vectors);
                  return vectors;
                });
        yield new Answers(score, List.of(), outputs);
      }
      case CLASSIFICATION -> {
        List<float[]> outputs = new ArrayList<>();
        TaskScore score =
            TaskScore.ofClasses(
                task,
                asked,
                encoder.labels(),
                texts -> {
                  encoder
                      .answers(texts)
                      .forEach(rows -> outputs.add(Probabilities.softmax(rows[0])));
                  return outputs;
                });
        yield new Answers(score, encoder.labels(), outputs);
      }
    };
  }

  @Override
  double divergence(Answers original, Answers answers) {
    return switch (task.kind()) {
      case SIMILARITY -> EmbeddingQuality.distance(original.outputs, answers.outputs);
      case CLASSIFICATION -> ClassFidelity.of(original.outputs, answers.outputs).meanDivergence();
    };
  }

  @Override
  Judgement judge(Part part, Answers original, Answers answers) {
    var metrics = new LinkedHashMap<String, Estimate>();
    answers
        .score
        .estimates(Bootstrap.STANDARD)
        .forEach((metric, estimate) -> metrics.put(metric.label(), estimate));
    Estimate loss = answers.score.lossFrom(original.score, Bootstrap.STANDARD);
    return new Judgement(
        examples.of(part).size(),
        loss,
        divergence(original, answers),
        promised(original, answers),
        null,
        null,
        metrics,
        changed(part, original, answers));
  }

  /**
   * Of a classifier the mean of {@code sqrt(KL / 2)}: the probability of no class changes by more
   * (Pinsker's inequality; Cover, Thomas, "Elements of Information Theory", section 11.6), and so
   * that of the right one does not. Of embeddings how far they moved.
   */
  private double promised(Answers original, Answers answers) {
    return switch (task.kind()) {
      case SIMILARITY -> divergence(original, answers);
      case CLASSIFICATION ->
          Arrays.stream(ClassFidelity.of(original.outputs, answers.outputs).divergences())
              .map(divergence -> Math.sqrt(Math.max(0, divergence) / 2))
              .average()
              .orElseThrow();
    };
  }

  private List<ChangedAnswer> changed(Part part, Answers original, Answers answers) {
    if (task.kind() != Task.Kind.CLASSIFICATION) {
      return List.of();
    }
    double[] was = original.score.predicted();
    double[] is = answers.score.predicted();
    double[] expected = answers.score.expected();
    return IntStream.range(0, was.length)
        .filter(i -> was[i] != is[i])
        .mapToObj(
            i ->
                new ChangedAnswer(
                    examples.of(part).get(i).text(),
                    answers.labels.get((int) expected[i]),
                    original.labels.get((int) was[i]),
                    answers.labels.get((int) is[i])))
        .toList();
  }
}
