package dev.hone.compress.prune;

import java.util.Arrays;

/** Sets the weights that matter least to zero. */
final class Zeros {
  private Zeros() {}

  /** Zeros of a whole matrix, by one cutoff. */
  static void below(float[] weights, float[] scores, Cutoff cutoff) {
    for (int i = 0; i < weights.length; i++) {
      if (cutoff.takes(scores[i])) {
        weights[i] = 0;
      }
    }
  }

  /** Zeros of every row, by a cutoff of its own. */
  static void ofRows(float[] weights, float[] scores, int cols, Amount amount) {
    for (int row = 0; row < weights.length; row += cols) {
      float[] own = Arrays.copyOfRange(scores, row, row + cols);
      Cutoff cutoff =
          switch (amount) {
            case Amount.Below below -> Cutoff.below(below.importance());
            case Amount.Share _, Amount.Count _ -> {
              float[] sorted = own.clone();
              Arrays.sort(sorted);
              yield Cutoff.smallest(Math.toIntExact(amount.of((long) cols)), sorted);
            }
          };
      for (int c = 0; c < cols; c++) {
        if (cutoff.takes(own[c])) {
          weights[row + c] = 0;
        }
      }
    }
  }

  /** Zeros of a pattern. */
  static void ofPattern(float[] weights, float[] scores, Sparsity.Pattern pattern) {
    boolean[] gone = new boolean[weights.length];
    for (int at = 0; at < weights.length; at += pattern.of()) {
      ofGroup(scores, at, pattern, gone, at);
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] = gone[i] ? 0 : weights[i];
    }
  }

  /** Marks what goes of one group; of equals the first go. */
  static void ofGroup(
      float[] scores, int from, Sparsity.Pattern pattern, boolean[] gone, int target) {
    for (int i = 0; i < pattern.of(); i++) {
      int smaller = 0;
      for (int j = 0; j < pattern.of(); j++) {
        float difference = scores[from + j] - scores[from + i];
        smaller += difference < 0 || difference == 0 && j < i ? 1 : 0;
      }
      gone[target + i] = smaller < pattern.of() - pattern.kept();
    }
  }
}
