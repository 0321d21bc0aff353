package dev.hone.measure;

import dev.hone.measure.Timing.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** How fast a model runs a workload. */
public record Speed(Timing shortText, Timing longText, Timing batch, Workload workload) {

  /** Measures one model. */
  public static Speed measure(Workload workload, Plan plan, Consumer<List<String>> model) {
    return measure(workload, plan, List.of(model)).getFirst();
  }

  /** Measures models in turn, so that whatever else the machine does hits all of them alike. */
  public static List<Speed> measure(
      Workload workload, Plan plan, List<? extends Consumer<List<String>>> models) {
    Function<Workload.Sample, List<Timing>> time =
        sample ->
            Timing.interleaved(
                plan, models.stream().<Runnable>map(m -> () -> m.accept(sample.texts())).toList());
    List<Timing> shortText = time.apply(workload.shortText());
    List<Timing> longText = time.apply(workload.longText());
    List<Timing> batch = time.apply(workload.batch());
    var speeds = new ArrayList<Speed>();
    for (int i = 0; i < models.size(); i++) {
      speeds.add(new Speed(shortText.get(i), longText.get(i), batch.get(i), workload));
    }
    return speeds;
  }

  /** Several measurements of one model on the same workload, as one. */
  public static Speed pooled(List<Speed> speeds) {
    return new Speed(
        Timing.pooled(speeds.stream().map(Speed::shortText).toList()),
        Timing.pooled(speeds.stream().map(Speed::longText).toList()),
        Timing.pooled(speeds.stream().map(Speed::batch).toList()),
        speeds.getFirst().workload());
  }

  /**
   * What would have been measured had a model that ran in the same rounds taken as long as it
   * usually does: takes out by how much the machine was faster or slower then.
   */
  public Speed corrected(Speed beside, Speed usual) {
    return new Speed(
        shortText.times(usual.shortText.p50Nanos() / beside.shortText.p50Nanos()),
        longText.times(usual.longText.p50Nanos() / beside.longText.p50Nanos()),
        batch.times(usual.batch.p50Nanos() / beside.batch.p50Nanos()),
        workload);
  }

  /** Throughput on the batch. */
  public double textsPerSecond() {
    return perSecond(workload.batch().texts().size());
  }

  /** Throughput on the batch. */
  public double tokensPerSecond() {
    return perSecond(workload.batch().tokens());
  }

  private double perSecond(int count) {
    return count * 1e9 / batch.p50Nanos();
  }
}
