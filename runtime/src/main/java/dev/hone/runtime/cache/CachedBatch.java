package dev.hone.runtime.cache;

import dev.hone.model.KeyValueCache;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import java.util.List;

/** The sequences of a cache that one batch goes on with, in its order. */
record CachedBatch(PagePool pool, List<CachedSequence> sequences) implements KeyValueCache {
  CachedBatch {
    sequences = List.copyOf(sequences);
  }

  @Override
  public int past(int sequence) {
    return sequences.get(sequence).length();
  }

  @Override
  public int meant(int sequence) {
    return sequences.get(sequence).meant();
  }

  @Override
  public KeyValues append(int layer, Tensor keys, Tensor values, int[] offsets) {
    check(offsets);
    int count = sequences.size();
    int[][] pages = new int[count][];
    int[] lengths = new int[count];
    for (int s = 0; s < count; s++) {
      CachedSequence sequence = sequences.get(s);
      Pages own = sequence.layer(layer);
      own.write(keys, values, offsets[s], offsets[s + 1], sequence.length());
      pages[s] = own.toArray();
      lengths[s] = sequence.length() - own.forgotten() + offsets[s + 1] - offsets[s];
    }
    return new KeyValues(pool.keys(), pool.values(), pool.rows(), pages, new int[count], lengths);
  }

  @Override
  public void advance(int[] offsets) {
    check(offsets);
    for (int s = 0; s < sequences.size(); s++) {
      sequences.get(s).advance(offsets[s + 1] - offsets[s]);
    }
  }

  private void check(int[] offsets) {
    if (offsets.length - 1 != sequences.size()) {
      throw new IllegalArgumentException(
          "the batch has "
              + (offsets.length - 1)
              + " sequences, the cache was asked for "
              + sequences.size());
    }
  }
}
