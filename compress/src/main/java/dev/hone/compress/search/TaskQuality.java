package dev.hone.compress.search;

import dev.hone.measure.Bootstrap;
import dev.hone.measure.Estimate;
import dev.hone.measure.Example;
import dev.hone.measure.Task;
import dev.hone.measure.TaskScore;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The loss is the drop of a task's first metric, relative to the original's. */
public final class TaskQuality implements Quality {
  private static final int SAMPLE = 200;

  private final String source;
  private final Task task;
  private final Map<Part, List<Example>> examples;
  private final Map<Part, TaskScore> originals = new EnumMap<>(Part.class);

  /**
   * @param source where the examples come from, as reports say it
   */
  public TaskQuality(String source, Task task, List<Example> choose, List<Example> report) {
    this.source = source;
    this.task = task;
    this.examples =
        Map.of(
            Part.SAMPLE, choose.subList(0, Math.min(SAMPLE, choose.size())),
            Part.CHOOSE, choose,
            Part.REPORT, report);
  }

  @Override
  public String lossMeaning() {
    return "drop of " + task.metric().label() + " relative to the original's";
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public void remember(Encoder original) {
    examples.forEach((part, list) -> originals.put(part, TaskScore.of(task, original, list)));
  }

  @Override
  public Judgement of(Encoder candidate, Part part) {
    TaskScore score = TaskScore.of(task, candidate, examples.get(part));
    var metrics = new LinkedHashMap<String, Estimate>();
    score
        .estimates(Bootstrap.STANDARD)
        .forEach((metric, estimate) -> metrics.put(metric.label(), estimate));
    Estimate loss = score.lossFrom(originals.get(part), Bootstrap.STANDARD);
    return new Judgement(loss, null, null, metrics);
  }
}
