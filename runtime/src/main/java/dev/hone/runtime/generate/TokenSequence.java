package dev.hone.runtime.generate;

import dev.hone.runtime.cache.CachedSequence;
import dev.hone.runtime.cache.PagedCache;
import java.util.Arrays;

/**
 * Tokens that a decoder goes on with: those that it has read, whose keys and values are in a cache,
 * and behind them those that it has not. Once all are read it has the logits of the next one.
 */
public final class TokenSequence implements AutoCloseable {
  private final PagedCache cache;
  private CachedSequence cached;
  private int[] tokens;
  private int length;
  private float[] logits;

  /**
   * A sequence that nothing is read of yet.
   *
   * @param prompt at least one token
   */
  public TokenSequence(PagedCache cache, int[] prompt) {
    this(cache, cache.open(prompt.length), prompt.clone(), prompt.length, null);
    if (length == 0) {
      throw new PromptException("the prompt is empty: a decoder goes on with at least one token");
    }
  }

  private TokenSequence(
      PagedCache cache, CachedSequence cached, int[] tokens, int length, float[] logits) {
    this.cache = cache;
    this.cached = cached;
    this.tokens = tokens;
    this.length = length;
    this.logits = logits;
  }

  /** Tokens, read or not. */
  public int length() {
    return length;
  }

  /** Tokens that the model has yet to read. */
  public int unread() {
    return length - cached.length();
  }

  /** All tokens. */
  public int[] tokens() {
    return Arrays.copyOf(tokens, length);
  }

  /**
   * One number a token of the vocabulary: how likely each is to come next. The array itself; do not
   * change it.
   *
   * @throws IllegalStateException while there is something to read
   */
  public float[] logits() {
    if (logits == null) {
      throw new IllegalStateException("tokens to read before there are logits: " + unread());
    }
    return logits;
  }

  /**
   * Adds a token, to be read in the next step; with all before it where the model turns positions
   * otherwise in so long a text.
   */
  public void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token;
    logits = null;
    if (!cached.mean(length)) {
      readAnew();
    }
  }

  /**
   * Becomes another text. Of what both begin with nothing is read again, except the last token,
   * whose logits are wanted; and except where a sliding window has let go of what that would need.
   *
   * @return tokens that need not be read
   */
  public int become(int[] text) {
    if (text.length == 0) {
      throw new PromptException("the text is empty: a decoder goes on with at least one token");
    }
    int most = Math.min(text.length - 1, cached.length());
    int same = 0;
    while (same < most && tokens[same] == text[same]) {
      same++;
    }
    tokens = text.clone();
    length = text.length;
    logits = null;
    if (cached.canTruncate(same) && cached.mean(length)) {
      cached.truncate(same);
    } else {
      readAnew();
    }
    return cached.length();
  }

  private void readAnew() {
    cached.close();
    cached = cache.open(length);
  }

  /** A sequence of its own that has read the same. */
  public TokenSequence fork() {
    return new TokenSequence(cache, cached.fork(), tokens.clone(), length, logits);
  }

  CachedSequence cached() {
    return cached;
  }

  /** The next unread tokens. */
  int[] next(int count) {
    return Arrays.copyOfRange(tokens, cached.length(), cached.length() + count);
  }

  void answered(float[] row) {
    logits = unread() == 0 ? row : null;
  }

  /** Gives its pages back. */
  @Override
  public void close() {
    cached.close();
  }
}
