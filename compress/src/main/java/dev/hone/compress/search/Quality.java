package dev.hone.compress.search;

import dev.hone.measure.Estimate;
import dev.hone.runtime.Encoder;
import java.util.Map;

/** How much worse than the original a candidate does the job. */
public interface Quality {

  /** What the loss is, as reports say it: {@code 1 - mean cosine}. */
  String lossMeaning();

  /** Where the texts come from. */
  String source();

  /** Asks the original, once and before any candidate. */
  void remember(Encoder original);

  /** What was remembered, on one part; its loss is 0. */
  Judgement ofOriginal(Part part);

  /** A candidate on one part of the texts. */
  Judgement of(Encoder candidate, Part part);

  /** What the texts are used for. */
  enum Part {
    /** A few of those to choose by, for what is asked often. */
    SAMPLE,
    /** Candidates are chosen by them, and never reported on. */
    CHOOSE,
    /** Losses are reported on them, and nothing is chosen by them. */
    REPORT
  }

  /**
   * What was found on one part.
   *
   * @param loss 0: as good as the original
   * @param minCosine of the worst text; null where a task gives the loss
   * @param neighbourAgreement {@link dev.hone.measure.Fidelity#neighbourAgreement}; null likewise
   * @param metrics of the task by label; empty without a task
   */
  record Judgement(
      Estimate loss, Double minCosine, Double neighbourAgreement, Map<String, Estimate> metrics) {}
}
