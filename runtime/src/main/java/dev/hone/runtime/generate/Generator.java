package dev.hone.runtime.generate;

import dev.hone.model.Batch;
import dev.hone.runtime.Engine;
import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Goes on with sequences of tokens, all of them together in one packed step. Prompts are read in
 * chunks, so that a long one needs no more memory for activations than a chunk.
 *
 * @param chunkTokens tokens of all prompts that are read at once
 * @param mostCacheBytes that keys and values may take
 */
public record Generator(Engine engine, int chunkTokens, long mostCacheBytes) {

  public Generator {
    if (chunkTokens < 1) {
      throw new IllegalArgumentException("chunkTokens=" + chunkTokens + ": at least 1");
    }
  }

  /** 512 tokens of prompts at once, a quarter of this machine's heap for keys and values. */
  public Generator(Engine engine) {
    this(engine, 512, Runtime.getRuntime().maxMemory() / 4);
  }

  /** Told of every token as it is chosen. */
  @FunctionalInterface
  public interface Listener {
    /**
     * A token was chosen.
     *
     * @param sequence index of the prompt
     * @param logits that it was chosen by
     */
    void chosen(int sequence, int token, float[] logits);
  }

  /**
   * The tokens of the largest logits that follow each prompt.
   *
   * @param prompts none of them empty
   * @param count tokens to add to each
   */
  public List<int[]> greedy(List<int[]> prompts, int count, Listener listener) {
    checkLengths(prompts, count);
    List<int[]> answers = prompts.stream().map(_ -> new int[count]).toList();
    List<CachedSequence> sequences = new ArrayList<>();
    try (var cache = new PagedCache(engine.model(), mostCacheBytes)) {
      prompts.forEach(_ -> sequences.add(cache.open()));
      float[][] logits = read(prompts, sequences, cache);
      for (int step = 0; step < count; step++) {
        List<int[]> next = new ArrayList<>();
        for (int s = 0; s < answers.size(); s++) {
          int token = largest(logits[s]);
          answers.get(s)[step] = token;
          listener.chosen(s, token, logits[s]);
          next.add(new int[] {token});
        }
        if (step + 1 < count) {
          logits = engine.next(Batch.of(next), cache.of(sequences));
        }
      }
    }
    return answers;
  }

  private void checkLengths(List<int[]> prompts, int count) {
    int most = engine.model().embeddings().maxTokens();
    for (int[] prompt : prompts) {
      if (prompt.length == 0 || prompt.length + (long) count - 1 > most) {
        throw new IllegalArgumentException(
            "prompt tokens="
                + prompt.length
                + ", tokens to add="
                + count
                + ": a prompt has at least one, and the model reads at most "
                + most);
      }
    }
  }

  /** Reads prompts chunk by chunk; the logits behind the last token of each. */
  private float[][] read(List<int[]> prompts, List<CachedSequence> sequences, PagedCache cache) {
    float[][] logits = new float[prompts.size()][];
    int each = Math.max(1, chunkTokens / Math.max(1, prompts.size()));
    List<Integer> unread = new ArrayList<>();
    for (int s = 0; s < prompts.size(); s++) {
      unread.add(s);
    }
    while (!unread.isEmpty()) {
      List<int[]> parts = new ArrayList<>();
      List<CachedSequence> behind = new ArrayList<>();
      for (int s : unread) {
        int from = sequences.get(s).length();
        int to = Math.min(prompts.get(s).length, from + each);
        parts.add(Arrays.copyOfRange(prompts.get(s), from, to));
        behind.add(sequences.get(s));
      }
      float[][] answered = engine.next(Batch.of(parts), cache.of(behind));
      for (int i = 0; i < answered.length; i++) {
        logits[unread.get(i)] = answered[i];
      }
      unread.removeIf(s -> sequences.get(s).length() == prompts.get(s).length);
    }
    return logits;
  }

  private static int largest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }
}
