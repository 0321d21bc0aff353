package dev.hone.measure;

import dev.hone.measure.Timing.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * How fast a model does the work of a {@link Workload}.
 *
 * @param one what somebody waits for: a short text, the tokens of one answer
 * @param large a long text, a prompt
 * @param many texts or answers together
 */
public record Speed(Timing one, Timing large, Timing many) {

  /** What is timed, done by one model. */
  public record Work(Runnable one, Runnable large, Runnable many) {
    /** What is timed where this is wanted. */
    public Runnable of(Objective objective) {
      return objective == Objective.LATENCY ? one : many;
    }
  }

  /** Measures one model. */
  public static Speed measure(Plan plan, Work model) {
    return measure(plan, List.of(model)).getFirst();
  }

  /** Measures models in turn, so that whatever else the machine does hits all of them alike. */
  public static List<Speed> measure(Plan plan, List<Work> models) {
    Function<Function<Work, Runnable>, List<Timing>> time =
        work -> Timing.interleaved(plan, models.stream().map(work).toList());
    List<Timing> one = time.apply(Work::one);
    List<Timing> large = time.apply(Work::large);
    List<Timing> many = time.apply(Work::many);
    var speeds = new ArrayList<Speed>();
    for (int i = 0; i < models.size(); i++) {
      speeds.add(new Speed(one.get(i), large.get(i), many.get(i)));
    }
    return speeds;
  }

  /** What tells which of two models is faster where this is wanted. */
  public Timing of(Objective objective) {
    return objective == Objective.LATENCY ? one : many;
  }

  /** Several measurements of one model on the same workload, as one. */
  public static Speed pooled(List<Speed> speeds) {
    return new Speed(
        Timing.pooled(speeds.stream().map(Speed::one).toList()),
        Timing.pooled(speeds.stream().map(Speed::large).toList()),
        Timing.pooled(speeds.stream().map(Speed::many).toList()));
  }

  /**
   * What would have been measured had a model that ran in the same rounds taken as long as it
   * usually does: takes out by how much the machine was faster or slower then.
   */
  public Speed corrected(Speed beside, Speed usual) {
    return new Speed(
        one.times(usual.one.p50Nanos() / beside.one.p50Nanos()),
        large.times(usual.large.p50Nanos() / beside.large.p50Nanos()),
        many.times(usual.many.p50Nanos() / beside.many.p50Nanos()));
  }
}
