package dev.hone.tokenizer;

/**
 * A text, or a pair of texts, as a model reads it: token ids and where each token came from.
 *
 * <p>Offsets count {@code char}s (UTF-16) of the text as it was given, so {@code
 * text.substring(start(i), end(i))} is what token {@code i} stands for. There is no padding.
 */
public final class Encoding {

  private final int[] ids;
  private final int[] typeIds;
  private final int[] sequences;
  private final int[] words;
  private final int[] starts;
  private final int[] ends;
  private final boolean[] special;
  private final int cut;

  /** The arrays are kept, not copied: one entry a token in each. */
  Encoding(
      int[] ids,
      int[] typeIds,
      int[] sequences,
      int[] words,
      int[] starts,
      int[] ends,
      boolean[] special,
      int cut) {
    this.ids = ids;
    this.typeIds = typeIds;
    this.sequences = sequences;
    this.words = words;
    this.starts = starts;
    this.ends = ends;
    this.special = special;
    this.cut = cut;
  }

  /** Number of tokens, those that the template adds among them. */
  public int size() {
    return ids.length;
  }

  /** Ids into the vocabulary: [token]. The array itself; do not change it. */
  public int[] ids() {
    return ids;
  }

  /** Segment ids, 0 or 1 as the template says: [token]. The array itself; do not change it. */
  public int[] typeIds() {
    return typeIds;
  }

  /** Id of a token. */
  public int id(int token) {
    return ids[token];
  }

  /** Which text the token is from: 0 the first, 1 the second, -1 for what the template added. */
  public int sequence(int token) {
    return sequences[token];
  }

  /**
   * Which word of its text the token belongs to, counted from 0; -1 for what the template added.
   */
  public int word(int token) {
    return words[token];
  }

  /** First {@code char} of the token in its text; 0 for what the template added. */
  public int start(int token) {
    return starts[token];
  }

  /** {@code char} after the token's last one in its text; 0 for what the template added. */
  public int end(int token) {
    return ends[token];
  }

  /**
   * Whether the template added the token. A special token that stands in the text itself, like a
   * literal {@code [MASK]}, is content.
   */
  public boolean special(int token) {
    return special[token];
  }

  /** How many tokens of content were dropped so that the rest fits; 0 when nothing was. */
  public int cut() {
    return cut;
  }
}
