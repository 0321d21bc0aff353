package dev.hone.runtime.cache;

import dev.hone.model.Rope;
import java.util.Arrays;
import java.util.Set;

/** The keys and values of one sequence's tokens, in pages of its own for every layer. */
public final class CachedSequence implements AutoCloseable {
  private final PagePool pool;
  private final Pages[] layers;
  private final Set<Rope> ropes;
  private int meant;
  private int length;
  private boolean closed;

  CachedSequence(PagePool pool, int[] windows, Set<Rope> ropes, int meant) {
    this.pool = pool;
    this.ropes = ropes;
    this.meant = meant;
    this.layers = new Pages[windows.length];
    Arrays.setAll(layers, i -> new Pages(pool, windows[i]));
  }

  private CachedSequence(CachedSequence other) {
    this.pool = other.pool;
    this.ropes = other.ropes;
    this.meant = other.meant;
    this.layers = new Pages[other.layers.length];
    Arrays.setAll(layers, i -> other.layers[i].another());
    this.length = other.length;
  }

  /** Tokens that it is meant to have, or has had: what its keys were turned for. */
  int meant() {
    return meant;
  }

  /**
   * Says anew how many tokens it is meant to have.
   *
   * @return false where positions depend on a text's length, and the keys that are here were turned
   *     for one of another: the text must be read anew; nothing has changed then
   */
  public boolean mean(int tokens) {
    if (length > 0 && ropes.stream().anyMatch(r -> !r.of(meant).equals(r.of(tokens)))) {
      return false;
    }
    meant = tokens;
    return true;
  }

  /** Tokens that it has. */
  public int length() {
    return length;
  }

  /** Whether every layer still has what the tokens after so many would see. */
  public boolean canTruncate(int tokens) {
    return Arrays.stream(layers).allMatch(layer -> layer.canTruncate(tokens));
  }

  /**
   * Forgets the last tokens: they may come again, or others instead.
   *
   * @throws IllegalArgumentException if it is longer than the sequence, or if a layer with a window
   *     has given away keys that the rest would see
   */
  public void truncate(int tokens) {
    if (tokens < 0 || tokens > length) {
      throw new IllegalArgumentException("tokens=" + tokens + ": the sequence has " + length);
    }
    for (Pages layer : layers) {
      layer.checkTruncate(tokens);
    }
    for (Pages layer : layers) {
      layer.truncate(tokens);
    }
    length = tokens;
  }

  /**
   * A sequence of its own that begins with the same tokens: its pages are copies.
   *
   * @throws CacheFullException where there are too few pages; nothing has changed then
   */
  public CachedSequence fork() {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
    CachedSequence copy = new CachedSequence(this);
    try {
      for (int i = 0; i < layers.length; i++) {
        copy.layers[i].copyOf(layers[i]);
      }
    } catch (CacheFullException e) {
      copy.close();
      throw e;
    }
    return copy;
  }

  boolean belongsTo(PagePool other) {
    return pool == other && !closed;
  }

  Pages layer(int index) {
    return layers[index];
  }

  /** Counts tokens that every layer has; gives back pages that no later token sees. */
  void advance(int tokens) {
    length += tokens;
    meant = Math.max(meant, length);
    for (Pages layer : layers) {
      layer.forget(length);
    }
  }

  /** Gives all pages back. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      for (Pages layer : layers) {
        layer.clear();
      }
    }
  }
}
