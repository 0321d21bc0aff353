package dev.hone.model;

import java.util.Arrays;
import java.util.List;

/**
 * Sequences of tokens packed back to back, without padding: sequence s is the tokens {@code
 * offsets[s] .. offsets[s + 1]}.
 *
 * @param ids token ids of all sequences
 * @param types segment of every token
 * @param offsets first token of every sequence, and the number of all tokens at the end
 */
public record Batch(int[] ids, int[] types, int[] offsets) {

  public Batch {
    if (types.length != ids.length) {
      throw new IllegalArgumentException(
          "ids=" + ids.length + ", types=" + types.length + ": must be equal");
    }
    if (offsets.length < 2 || offsets[0] != 0 || offsets[offsets.length - 1] != ids.length) {
      throw new IllegalArgumentException(
          "offsets must lead from 0 to " + ids.length + ": " + Arrays.toString(offsets));
    }
    for (int s = 0; s + 1 < offsets.length; s++) {
      if (offsets[s] >= offsets[s + 1]) {
        throw new IllegalArgumentException(
            "sequence " + s + " is empty: a text has at least one token");
      }
    }
  }

  /** Sequences of one segment each. */
  public static Batch of(List<int[]> sequences) {
    return of(sequences, sequences.stream().map(s -> new int[s.length]).toList());
  }

  public static Batch of(List<int[]> sequences, List<int[]> types) {
    int[] offsets = new int[sequences.size() + 1];
    for (int s = 0; s < sequences.size(); s++) {
      offsets[s + 1] = offsets[s] + sequences.get(s).length;
    }
    int[] ids = new int[offsets[sequences.size()]];
    int[] segments = new int[ids.length];
    for (int s = 0; s < sequences.size(); s++) {
      System.arraycopy(sequences.get(s), 0, ids, offsets[s], sequences.get(s).length);
      System.arraycopy(types.get(s), 0, segments, offsets[s], types.get(s).length);
    }
    return new Batch(ids, segments, offsets);
  }

  public int tokens() {
    return ids.length;
  }

  public int sequences() {
    return offsets.length - 1;
  }

  /** Some of the sequences, as a batch of their own. */
  public Batch slice(int fromSequence, int toSequence) {
    int from = offsets[fromSequence];
    int to = offsets[toSequence];
    int[] first = Arrays.copyOfRange(offsets, fromSequence, toSequence + 1);
    Arrays.setAll(first, s -> first[s] - from);
    return new Batch(Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(types, from, to), first);
  }

  /** Index of every sequence's last token. */
  public int[] lastTokens() {
    int[] last = new int[sequences()];
    for (int s = 0; s < last.length; s++) {
      last[s] = offsets[s + 1] - 1;
    }
    return last;
  }
}
