package dev.hone.runtime;

import dev.hone.model.Batch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Cuts a batch into parts of whole sequences. A thread takes a part through the whole model by
 * itself: what one operation leaves is then in its core's cache for the next, and no thread waits
 * for another between two operations.
 */
final class BatchParts {
  /** Tokens of a part, about: with 384 features and 1,536 between they take 2 MB. */
  private static final int TOKENS = 256;

  /** Of a smaller part the weights, which each thread reads by itself, would take too long. */
  private static final int LEAST_TOKENS = 64;

  /** How much longer than its even share the busiest thread may be at work. */
  private static final double SLACK = 1.125;

  private BatchParts() {}

  /**
   * Parts for so many threads, in order; the batch itself where they would not keep all of them
   * busy.
   */
  static List<Batch> of(Batch batch, int threads) {
    int tokens = batch.tokens();
    int rounds = (tokens + threads * TOKENS - 1) / (threads * TOKENS);
    int count = rounds * threads;
    if (count == 1 || tokens / count < LEAST_TOKENS) {
      return List.of(batch);
    }
    List<Batch> parts = cut(batch, count);
    return longest(parts, threads) * threads <= tokens * SLACK ? parts : List.of(batch);
  }

  /** Parts of about as many tokens, at most so many: a sequence goes where its middle lies. */
  private static List<Batch> cut(Batch batch, int count) {
    List<Batch> parts = new ArrayList<>();
    int from = 0;
    for (int s = 1; s <= batch.sequences(); s++) {
      if (s == batch.sequences() || part(batch, s, count) != part(batch, from, count)) {
        parts.add(batch.slice(from, s));
        from = s;
      }
    }
    return parts;
  }

  private static long part(Batch batch, int sequence, int count) {
    long twiceMiddle = (long) batch.offsets()[sequence] + batch.offsets()[sequence + 1];
    return twiceMiddle * count / (2L * batch.tokens());
  }

  /** Tokens of the busiest thread, where whoever is free takes the next part. */
  private static long longest(List<Batch> parts, int threads) {
    long[] busy = new long[threads];
    for (Batch part : parts) {
      int free = 0;
      for (int t = 1; t < threads; t++) {
        free = busy[t] < busy[free] ? t : free;
      }
      busy[free] += part.tokens();
    }
    return Arrays.stream(busy).max().orElseThrow();
  }
}
