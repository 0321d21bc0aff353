package dev.hone.tensor;

import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values that the queries of a batch attend to: for each sequence some rows that lie
 * in pages.
 *
 * <pre>
 *   key j of sequence s:   r = firstRows[s] + j,   row r % pageRows of keys[pages[s][r / pageRows]]
 * </pre>
 *
 * Keys that were just computed are one page of all sequences; a cache has many, which need not lie
 * in order.
 */
public final class KeyValues {
  private final List<Tensor> keys;
  private final List<Tensor> values;
  private final int pageRows;
  private final int[][] pages;
  private final int[] firstRows;
  private final int[] counts;

  /**
   * Sequences in pages.
   *
   * @param keys each [pageRows, kvHeads * headDim], all of one {@link KeyValueType}
   * @param values the same
   * @param pages for each sequence the pages it lies in, in its order
   * @param firstRows for each sequence the row of its first page that it begins at
   * @param counts keys of each sequence
   */
  public KeyValues(
      List<Tensor> keys,
      List<Tensor> values,
      int pageRows,
      int[][] pages,
      int[] firstRows,
      int[] counts) {
    this.keys = keys;
    this.values = values;
    this.pageRows = pageRows;
    this.pages = pages;
    this.firstRows = firstRows;
    this.counts = counts;
    for (int s = 0; s < counts.length; s++) {
      if (firstRows[s] + (long) counts[s] > (long) pages[s].length * pageRows) {
        throw new IllegalArgumentException(
            "sequence "
                + s
                + " of "
                + counts[s]
                + " keys does not fit its "
                + pages[s].length
                + " pages of "
                + pageRows
                + ", of which the first begins at row "
                + firstRows[s]);
      }
    }
  }

  /**
   * Sequences back to back, without padding: sequence s is the rows {@code offsets[s] .. offsets[s
   * + 1]}.
   */
  public static KeyValues packed(Tensor keys, Tensor values, int[] offsets) {
    int sequences = offsets.length - 1;
    int[] counts = new int[sequences];
    for (int s = 0; s < sequences; s++) {
      counts[s] = offsets[s + 1] - offsets[s];
    }
    int[][] pages = new int[sequences][1];
    return new KeyValues(
        List.of(keys),
        List.of(values),
        Math.max(1, Math.toIntExact(keys.rows())),
        pages,
        java.util.Arrays.copyOf(offsets, sequences),
        counts);
  }

  /** The type of every page: one that a {@link KeyValueType} names. */
  public DType dtype() {
    return keys.isEmpty() ? DType.Plain.F32 : keys.getFirst().dtype();
  }

  public int sequences() {
    return counts.length;
  }

  /** Keys of a sequence. */
  public int count(int sequence) {
    return counts[sequence];
  }

  /** The page of a sequence's key. */
  public Tensor keys(int sequence, int key) {
    return keys.get(page(sequence, key));
  }

  /** The page of a sequence's value. */
  public Tensor values(int sequence, int key) {
    return values.get(page(sequence, key));
  }

  /** The row of a sequence's key, and of its value, in their pages. */
  public int row(int sequence, int key) {
    return (firstRows[sequence] + key) % pageRows;
  }

  /** How many keys from this one on lie in the same page. */
  public int run(int sequence, int key) {
    return Math.min(counts[sequence] - key, pageRows - row(sequence, key));
  }

  private int page(int sequence, int key) {
    return pages[sequence][(firstRows[sequence] + key) / pageRows];
  }

  /** Every page in use, for what is checked before memory is touched. */
  public List<Tensor> pages() {
    List<Tensor> used = new ArrayList<>();
    for (int[] sequence : pages) {
      for (int page : sequence) {
        used.add(keys.get(page));
        used.add(values.get(page));
      }
    }
    return used;
  }
}
