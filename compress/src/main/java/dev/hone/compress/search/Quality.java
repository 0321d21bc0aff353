package dev.hone.compress.search;

import dev.hone.measure.Estimate;
import dev.hone.measure.report.ChangedAnswer;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * How much worse than the original a candidate does the job: what both answer is held side by side.
 *
 * @param <A> the answers to one part of the texts
 */
public abstract class Quality<A> {
  private final Map<Part, A> originals = new EnumMap<>(Part.class);
  private final Map<Part, Judgement> unchanged = new EnumMap<>(Part.class);

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
   * @param texts or examples that it was found on
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

  /** Says which texts there are, so that a log of other ones is not gone on with. */
  abstract String texts();

  /** Those to choose by, as recipes look at them. */
  abstract List<String> calibrationTexts();

  /** Asks an encoder for its answers to one part. */
  abstract A answers(Encoder encoder, Part part);

  /** Holds answers to one part against the original's. */
  abstract Judgement judge(Part part, A original, A answers);

  /** How far answers are from the original's, without labels. */
  abstract double divergence(A original, A answers);

  /** Asks the original, once and before any candidate. */
  final void remember(Encoder original) {
    for (Part part : Part.values()) {
      originals.put(part, answers(original, part));
    }
  }

  /** What was remembered, on one part; its loss is 0. */
  final Judgement ofOriginal(Part part) {
    return unchanged.computeIfAbsent(part, p -> judge(p, originals.get(p), originals.get(p)));
  }

  /** How far a candidate's answers to the sample are from the original's. */
  final double divergence(Encoder candidate) {
    return divergence(originals.get(Part.SAMPLE), answers(candidate, Part.SAMPLE));
  }

  /** A candidate on one part. */
  final Judgement of(Encoder candidate, Part part) {
    return judge(part, originals.get(part), answers(candidate, part));
  }
}
