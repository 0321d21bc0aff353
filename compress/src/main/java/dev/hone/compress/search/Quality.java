package dev.hone.compress.search;

import dev.hone.measure.Estimate;
import dev.hone.runtime.Encoder;
import java.util.Map;

/** How much worse than the original a candidate does the job. */
public interface Quality {

  /** What the loss is, as reports say it: {@code 1 - mean cosine}. */
  String lossMeaning();

  /** The original on both parts of the texts; called once, before any candidate. */
  void remember(Encoder original);

  /** A candidate on one part of the texts. */
  Judgement of(Encoder candidate, Part part);

  /** The halves of the texts: what is used to choose is never what is reported. */
  enum Part {
    CHOOSE,
    REPORT
  }

  /**
   * What was found on one part.
   *
   * @param loss 0: as good as the original
   * @param figures further measurements by name
   */
  record Judgement(Estimate loss, Map<String, Double> figures) {}
}
