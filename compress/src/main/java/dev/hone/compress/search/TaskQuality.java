package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
import java.util.LinkedHashMap;

/** The loss is the drop of a task's first metric, relative to the original's. */
public final class TaskQuality extends Quality<TaskScore> {
  private final Task task;
  private final Halves<Example> examples;

  public TaskQuality(Task task, Halves<Example> examples) {
    this.task = task;
    this.examples = examples;
  }

  @Override
  public String lossMeaning() {
    return "drop of " + task.metric().label() + " relative to the original's";
  }

  @Override
  public String source() {
    return examples.source();
  }

  @Override
  TaskScore answers(Encoder encoder, Part part) {
    return TaskScore.of(task, encoder, examples.of(part));
  }

  @Override
  Judgement judge(TaskScore original, TaskScore score) {
    var metrics = new LinkedHashMap<String, Estimate>();
    score
        .estimates(Bootstrap.STANDARD)
        .forEach((metric, estimate) -> metrics.put(metric.label(), estimate));
    Estimate loss = score.lossFrom(original, Bootstrap.STANDARD);
    return new Judgement(loss, null, null, metrics);
  }
}
