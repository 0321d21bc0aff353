package dev.hone.model;

import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import java.util.Arrays;

/**
 * The keys and values of the tokens that the sequences of one batch had before it, and those of the
 * batch itself as it runs. A run asks for the past first, appends every layer's once, and advances
 * at its end; a run that fails before that leaves the past as it was.
 */
public interface KeyValueCache {

  /** No past, and nothing is kept. */
  KeyValueCache NONE =
      new KeyValueCache() {
        @Override
        public int past(int sequence) {
          return 0;
        }

        @Override
        public KeyValues append(int layer, Tensor keys, Tensor values, int[] offsets) {
          return KeyValues.packed(keys, values, offsets);
        }

        @Override
        public void advance(int[] offsets) {}
      };

  /** Tokens that a sequence of the batch had before it. */
  int past(int sequence);

  /**
   * Tokens that a sequence is meant to come to have: positions that depend on a text's length are
   * those of as many from its first token on. 0: nobody knows, and the tokens so far count.
   */
  default int meant(int sequence) {
    return 0;
  }

  /**
   * Puts a layer's keys and values behind those that its sequences have.
   *
   * @param keys [token, kvHeads * headDim] of the batch's tokens
   * @param values the same
   * @param offsets of the batch
   * @return what the batch's queries attend to; keys that no query of the batch and no later one
   *     can see may be missing at the front
   */
  KeyValues append(int layer, Tensor keys, Tensor values, int[] offsets);

  /** Counts the batch's tokens to the past, now that every layer has seen them. */
  void advance(int[] offsets);

  /** Place of every token of a batch in its sequence. */
  default int[] positions(Batch batch) {
    int[] positions = new int[batch.tokens()];
    for (int s = 0; s < batch.sequences(); s++) {
      int past = past(s);
      for (int t = batch.offsets()[s]; t < batch.offsets()[s + 1]; t++) {
        positions[t] = past + t - batch.offsets()[s];
      }
    }
    return positions;
  }

  /**
   * For every token of a batch the tokens that its text has or is meant to have.
   *
   * @param rope of a layer
   * @throws IllegalStateException if the keys of the past were turned as those of a shorter text
   */
  default int[] reach(Batch batch, Rope rope) {
    int[] reach = new int[batch.tokens()];
    for (int s = 0; s < batch.sequences(); s++) {
      int past = past(s);
      int now = past + batch.offsets()[s + 1] - batch.offsets()[s];
      int tokens = Math.max(now, meant(s));
      int before = Math.max(past, meant(s));
      if (past > 0 && before != tokens && !rope.of(before).equals(rope.of(tokens))) {
        throw new IllegalStateException(
            "sequence "
                + s
                + " grows from "
                + past
                + " to "
                + now
                + " tokens, where the model turns all of its positions otherwise ("
                + rope.scaling().getClass().getSimpleName()
                + "): open it with the tokens that it is meant to have");
      }
      Arrays.fill(reach, batch.offsets()[s], batch.offsets()[s + 1], tokens);
    }
    return reach;
  }
}
