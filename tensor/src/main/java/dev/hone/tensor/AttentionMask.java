package dev.hone.tensor;

/**
 * Which keys a query sees, by their distance from its own. Queries are the last tokens of their
 * sequence: with m keys and n queries, query i stands at key m - n + i. So a whole text, a chunk of
 * a long prompt and one token after many cached ones are the same thing.
 *
 * @param before keys that a query sees before its own
 * @param after keys that a query sees after its own
 */
public record AttentionMask(int before, int after) {
  /** Every query sees every key of its sequence. */
  public static final AttentionMask ALL = new AttentionMask(Integer.MAX_VALUE, Integer.MAX_VALUE);

  /** A query sees its own key and those before it. */
  public static final AttentionMask CAUSAL = new AttentionMask(Integer.MAX_VALUE, 0);

  public AttentionMask {
    if (before < 0 || after < 0) {
      throw new IllegalArgumentException(
          "before=" + before + ", after=" + after + ": a query sees at least its own key");
    }
  }

  /** The last {@code window} keys, a query's own among them. */
  public static AttentionMask causal(int window) {
    return new AttentionMask(window - 1, 0);
  }

  /** The keys at most {@code distance} away, on both sides. */
  public static AttentionMask around(int distance) {
    return new AttentionMask(distance, distance);
  }

  /** The first key that the query standing at a key sees. */
  public int first(int position) {
    return Math.max(0, position - before);
  }

  /** Where the keys end that the query standing at a key sees, of a sequence of so many. */
  public int end(int position, int keys) {
    return (int) Math.min(keys, (long) position + after + 1);
  }
}
