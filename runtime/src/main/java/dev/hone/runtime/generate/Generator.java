package dev.hone.runtime.generate;

import dev.hone.runtime.Engine;
import dev.hone.runtime.cache.PagedCache;
import java.util.List;

/**
 * Goes on with sequences of tokens by their largest logits, all of them together. Prompts are read
 * in chunks, so that a long one needs no more memory for activations than a chunk.
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
    try (var cache = new PagedCache(engine.model(), mostCacheBytes)) {
      var steps = new PackedSteps(engine, cache, chunkTokens);
      List<TokenSequence> sequences =
          prompts.stream().map(prompt -> new TokenSequence(cache, prompt)).toList();
      for (int step = 0; step < count; step++) {
        List<TokenSequence> unread = sequences;
        while (!unread.isEmpty()) {
          steps.step(unread);
          unread = unread.stream().filter(sequence -> sequence.unread() > 0).toList();
        }
        for (int s = 0; s < answers.size(); s++) {
          float[] logits = sequences.get(s).logits();
          int token = Sampler.largest(logits);
          answers.get(s)[step] = token;
          listener.chosen(s, token, logits);
          sequences.get(s).append(token);
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
}
