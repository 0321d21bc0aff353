package dev.hone.runtime.generate;

import dev.hone.model.Batch;
import dev.hone.runtime.Engine;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads on in many sequences at once: every call is one packed batch, and each may have others in
 * it. Sequences with one unread token are all in it; prompts share what is left of the budget, in
 * their order, so that a long one is read in chunks and holds nobody up (Agrawal et al.,
 * "Sarathi-Serve", section 4.1).
 *
 * @param chunkTokens tokens that are read at once, unless there are more sequences than that
 */
public record PackedSteps(Engine engine, PagedCache cache, int chunkTokens) {
  public PackedSteps {
    if (chunkTokens < 1) {
      throw new IllegalArgumentException("chunkTokens=" + chunkTokens + ": at least 1");
    }
  }

  /**
   * Reads tokens of sequences; those that are read to their end have logits then. A sequence for
   * whose prompt the budget has no room waits.
   *
   * @param sequences of {@link #cache}, each with something to read
   * @return tokens that were read
   */
  public int step(List<TokenSequence> sequences) {
    int budget = chunkTokens;
    for (TokenSequence sequence : sequences) {
      if (sequence.unread() == 0) {
        throw new IllegalArgumentException("a sequence has nothing to read: append a token first");
      }
      budget -= sequence.unread() == 1 ? 1 : 0;
    }
    List<TokenSequence> chosen = new ArrayList<>();
    List<CachedSequence> behind = new ArrayList<>();
    List<int[]> parts = new ArrayList<>();
    for (TokenSequence sequence : sequences) {
      int count = 1;
      if (sequence.unread() > 1) {
        count = Math.min(sequence.unread(), budget);
        budget -= Math.max(0, count);
      }
      if (count > 0) {
        chosen.add(sequence);
        behind.add(sequence.cached());
        parts.add(sequence.next(count));
      }
    }
    Batch batch = Batch.of(parts);
    float[][] logits = engine.next(batch, cache.of(behind));
    for (int i = 0; i < logits.length; i++) {
      chosen.get(i).answered(logits[i]);
    }
    return batch.tokens();
  }
}
