package dev.hone.model;

/** How attention tells its tokens' places apart, beside what the embeddings say of them. */
public sealed interface Position permits Position.Unknown, Rope, Position.Buckets {

  /** It does not. */
  record Unknown() implements Position {}

  /**
   * A number for every head and distance is added to the scores; far distances share theirs. Raffel
   * et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
   * section 2.1.
   *
   * @param weight [bucket, heads]: the first half of the buckets for keys at and before the query's
   *     place, the second for those after it
   * @param furthest distance from which on all share a bucket
   */
  record Buckets(Weight weight, int furthest) implements Position {

    /** The bucket of a key that stands so far after the query, or before it where negative. */
    public int of(int distance) {
      int half = Math.toIntExact(weight.tensor().rows()) / 2;
      int exact = half / 2;
      int far = Math.abs(distance);
      int bucket = far;
      if (far >= exact) {
        double share = Math.log((double) far / exact) / Math.log((double) furthest / exact);
        bucket = Math.min(half - 1, exact + (int) (share * (half - exact)));
      }
      return (distance > 0 ? half : 0) + bucket;
    }
  }
}
