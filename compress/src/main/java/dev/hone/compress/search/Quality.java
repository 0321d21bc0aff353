package dev.hone.compress.search;

import dev.hone.measure.Estimate;
import dev.hone.measure.report.ChangedAnswer;
import dev.hone.model.Batch;
import java.util.List;
import java.util.Map;

/**
 * How much worse than the original a candidate does the job.
 *
 * @param <S> the kind of models that are asked
 */
public abstract class Quality<S extends Subject<S>> {

  /** What the texts are used for. */
  public enum Part {
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
   * @param texts, examples or windows that it was found on
   * @param loss 0: as good as the original
   * @param divergence of the predictions, which needs no labels and tells small changes apart
   * @param promised a loss that the divergence lets expect at most
   * @param minCosine of the worst text; null where the loss is of another kind
   * @param neighbourAgreement {@link dev.hone.measure.Fidelity#neighbourAgreement}; null likewise
   * @param metrics further measurements by label
   * @param changed texts that are answered otherwise than by the original
   */
  public record Judgement(
      int texts,
      Estimate loss,
      double divergence,
      double promised,
      Double minCosine,
      Double neighbourAgreement,
      Map<String, Estimate> metrics,
      List<ChangedAnswer> changed) {}

  /** What the loss is, as reports say it: {@code 1 - mean cosine}. */
  public abstract String lossMeaning();

  /** Where the texts come from. */
  public abstract String source();

  /** What an interval draws again: {@code texts}. */
  abstract String unit();

  /** Says which texts there are, so that a log of other ones is not gone on with. */
  abstract String texts();

  /** Those to choose by, as recipes look at them. */
  abstract List<Batch> calibration(S original);

  /** Asks the original, once and before any candidate. */
  abstract void remember(S original);

  /** What was remembered, on one part; its loss is 0. */
  abstract Judgement ofOriginal(Part part);

  /** How far a candidate's answers to the sample are from the original's, without labels. */
  abstract double divergence(S candidate);

  /** A candidate on one part. */
  abstract Judgement of(S candidate, Part part);
}
