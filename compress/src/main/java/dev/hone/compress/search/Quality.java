package dev.hone.compress.search;

import dev.hone.measure.Estimate;
import dev.hone.runtime.Encoder;
import java.util.EnumMap;
import java.util.Map;

/**
 * How much worse than the original a candidate does the job: what both answer is held side by side.
 *
 * @param <A> the answers to one part of the texts
 */
public abstract class Quality<A> {
  private final Map<Part, A> originals = new EnumMap<>(Part.class);

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
   * @param loss 0: as good as the original
   * @param minCosine of the worst text; null where the loss is of another kind
   * @param neighbourAgreement {@link dev.hone.measure.Fidelity#neighbourAgreement}; null likewise
   * @param metrics further measurements by label
   */
  public record Judgement(
      Estimate loss, Double minCosine, Double neighbourAgreement, Map<String, Estimate> metrics) {}

  /** What the loss is, as reports say it: {@code 1 - mean cosine}. */
  public abstract String lossMeaning();

  /** Where the texts come from. */
  public abstract String source();

  /** Asks an encoder for its answers to one part. */
  abstract A answers(Encoder encoder, Part part);

  /** Holds answers against the original's. */
  abstract Judgement judge(A original, A answers);

  /** Asks the original, once and before any candidate. */
  final void remember(Encoder original) {
    for (Part part : Part.values()) {
      originals.put(part, answers(original, part));
    }
  }

  /** What was remembered, on one part; its loss is 0. */
  final Judgement ofOriginal(Part part) {
    return judge(originals.get(part), originals.get(part));
  }

  /** A candidate on one part. */
  final Judgement of(Encoder candidate, Part part) {
    return judge(originals.get(part), answers(candidate, part));
  }
}
