package dev.hone.compress.prune;

import dev.hone.compress.calibrate.InverseFactor;
import dev.hone.tensor.parallel.ComputePool;

/**
 * Takes weights away column by column, and lets the columns that are left make good for what each
 * did to the layer's answers: Frantar and Alistarh, "SparseGPT: Massive Language Models Can Be
 * Accurately Pruned in One-Shot", algorithm 1. Which weights of the next columns go is decided when
 * they are reached, by what they have become.
 */
final class SparseGpt {
  /** Columns that are decided on together, and after whose end the columns behind are paid. */
  private static final int LAZY = 128;

  /** Rows that go through the factor together, so that its rows are read once for all of them. */
  private static final int STRIP = 16;

  private final float[] w;
  private final int rows;
  private final int cols;
  private final float[] upper;
  private final Sparsity sparsity;
  private final ComputePool pool;

  private SparseGpt(float[] w, int rows, float[] upper, Sparsity sparsity, ComputePool pool) {
    this.w = w;
    this.rows = rows;
    this.cols = w.length / rows;
    this.upper = upper;
    this.sparsity = sparsity;
    this.pool = pool;
  }

  /**
   * Prunes a matrix in its place.
   *
   * @param weights [row, column]
   * @param upper {@link InverseFactor} of the damped Hessian, [column, column]
   */
  static void prune(float[] weights, int rows, float[] upper, Sparsity sparsity, ComputePool pool) {
    new SparseGpt(weights, rows, upper, sparsity, pool).run();
  }

  private void run() {
    int lazy =
        switch (sparsity) {
          case Sparsity.Unstructured _ -> LAZY;
          case Sparsity.Pattern pattern -> pattern.of() * Math.max(1, LAZY / pattern.of());
        };
    for (int from = 0; from < cols; from += lazy) {
      int first = from;
      int to = Math.min(cols, from + lazy);
      boolean[] gone = new boolean[rows * (to - from)];
      switch (sparsity) {
        case Sparsity.Unstructured some -> decide(some.amount(), from, to, gone);
        case Sparsity.Pattern _ -> {} // decided on the way, group by group
      }
      pool.run((rows + STRIP - 1) / STRIP, strip -> strip(strip * STRIP, first, to, gone));
    }
  }

  /** The share of these columns' weights whose loss does least: {@code w² / [H⁻¹]}. */
  private void decide(Amount amount, int from, int to, boolean[] gone) {
    float[] scores = new float[gone.length];
    int width = to - from;
    pool.run(rows, row -> scores(row, from, to, scores, row * width));
    Cutoff cutoff = Cutoff.smallest(amount.of(scores.length), taker -> taker.accept(scores));
    for (int i = 0; i < gone.length; i++) {
      gone[i] = cutoff.takes(scores[i]);
    }
  }

  private void scores(int row, int from, int to, float[] scores, int at) {
    for (int c = from; c < to; c++) {
      float ratio = w[row * cols + c] / upper[c * cols + c];
      scores[at + c - from] = ratio * ratio;
    }
  }

  private void strip(int first, int from, int to, boolean[] gone) {
    int width = to - from;
    int last = Math.min(rows, first + STRIP);
    float[] errors = new float[(last - first) * width];
    for (int row = first; row < last; row++) {
      columns(row, from, to, gone, errors, (row - first) * width);
    }
    for (int c = from; c < to; c++) {
      for (int row = first; row < last; row++) {
        pay(row, c, to, cols, errors[(row - first) * width + c - from]);
      }
    }
  }

  /** One row's weights of these columns, and what they owe each other. */
  private void columns(int row, int from, int to, boolean[] gone, float[] errors, int at) {
    int width = to - from;
    float[] group = new float[width];
    for (int c = from; c < to; c++) {
      switch (sparsity) {
        case Sparsity.Unstructured _ -> {}
        case Sparsity.Pattern pattern -> {
          if ((c - from) % pattern.of() == 0) {
            scores(row, c, c + pattern.of(), group, 0);
            Zeros.ofGroup(group, 0, pattern, gone, row * width + c - from);
          }
        }
      }
      if (gone[row * width + c - from]) {
        float error = w[row * cols + c] / upper[c * cols + c];
        errors[at + c - from] = error;
        w[row * cols + c] = 0;
        pay(row, c, c + 1, to, error);
      }
    }
  }

  private void pay(int row, int column, int from, int to, float error) {
    if (error == 0) {
      return;
    }
    int at = row * cols;
    int u = column * cols;
    for (int c = from; c < to; c++) {
      w[at + c] -= error * upper[u + c];
    }
  }
}
