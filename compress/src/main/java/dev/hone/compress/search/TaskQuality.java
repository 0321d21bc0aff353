package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** The loss is the drop of a task's first metric, relative to the original's. */
public final class TaskQuality implements Quality {
  private final Task task;
  private final Halves<Example> examples;
  private final Map<Part, TaskScore> originals = new EnumMap<>(Part.class);

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
  public void remember(Encoder original) {
    for (Part part : Part.values()) {
      originals.put(part, TaskScore.of(task, original, examples.of(part)));
    }
  }

  @Override
  public Judgement ofOriginal(Part part) {
    return judge(part, originals.get(part));
  }

  @Override
  public Judgement of(Encoder candidate, Part part) {
    return judge(part, TaskScore.of(task, candidate, examples.of(part)));
  }

  private Judgement judge(Part part, TaskScore score) {
    var metrics = new LinkedHashMap<String, Estimate>();
    score
        .estimates(Bootstrap.STANDARD)
        .forEach((metric, estimate) -> metrics.put(metric.label(), estimate));
    Estimate loss = score.lossFrom(originals.get(part), Bootstrap.STANDARD);
    return new Judgement(loss, null, null, metrics);
  }
}
