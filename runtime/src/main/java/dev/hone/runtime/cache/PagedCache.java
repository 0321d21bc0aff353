package dev.hone.runtime.cache;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Position;
import dev.hone.model.Rope;
import dev.hone.model.Transformer;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.KeyValueType;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Keys and values of any number of sequences, in pages that are lent to one sequence each. Kwon et
 * al., "Efficient Memory Management for Large Language Model Serving with PagedAttention", section
 * 4.1; but no page is shared.
 *
 * <p>It is used by one thread at a time.
 */
public final class PagedCache implements AutoCloseable {
  /** Tokens of a page. */
  public static final int PAGE_TOKENS = 32;

  private final PagePool pool;
  private final int[] windows;
  private final Set<Rope> ropes = new HashSet<>();

  /** A cache for one model, in F32: what comes out is what went in. */
  public PagedCache(Transformer model, long mostBytes) {
    this(model, KeyValueType.F32, mostBytes);
  }

  /**
   * A cache for one model.
   *
   * @param type what keys and values are stored in
   * @param mostBytes that they may take
   */
  public PagedCache(Transformer model, KeyValueType type, long mostBytes) {
    int layers = model.blocks().size();
    this.windows = new int[layers];
    AttentionShape first = model.blocks().getFirst().attention().shape();
    for (int i = 0; i < layers; i++) {
      Block block = model.blocks().get(i);
      Attention attention = block.attention();
      if (attention.mask().after() > 0) {
        throw new IllegalArgumentException(
            "block " + i + " lets tokens see later ones: an encoder's keys cannot be kept");
      }
      AttentionShape shape = attention.shape();
      if (shape.kvHeads() != first.kvHeads() || shape.headDim() != first.headDim()) {
        throw new IllegalArgumentException(
            "block "
                + i
                + " has "
                + shape.kvHeads()
                + " heads of keys of "
                + shape.headDim()
                + " numbers, the first "
                + first.kvHeads()
                + " of "
                + first.headDim());
      }
      windows[i] = attention.mask().before();
      switch (attention.position()) {
        case Rope rope -> ropes.add(rope);
        case Position.Unknown _, Position.Buckets _ -> {}
      }
    }
    this.pool = new PagePool(type, PAGE_TOKENS, first.kvHeads(), first.headDim(), mostBytes);
  }

  /** A sequence without tokens. Close it, so that others can have its pages. */
  public CachedSequence open() {
    return open(0);
  }

  /**
   * A sequence without tokens, whose number of tokens to come is known.
   *
   * @param tokens that it is meant to have at most: what positions that depend on a text's length
   *     are made for, so that no token changes them; 0 where nobody knows
   */
  public CachedSequence open(int tokens) {
    return new CachedSequence(pool, windows, ropes, tokens);
  }

  /** What a batch of these sequences goes on behind, each of them once. */
  public KeyValueCache of(List<CachedSequence> sequences) {
    if (new HashSet<>(sequences).size() < sequences.size()) {
      throw new IllegalArgumentException("a sequence can be in a batch only once");
    }
    for (CachedSequence sequence : sequences) {
      if (!sequence.belongsTo(pool)) {
        throw new IllegalArgumentException("a sequence belongs to another cache, or is closed");
      }
    }
    return new CachedBatch(pool, sequences);
  }

  /** Bytes of all pages, in use or kept for the next sequence. */
  public long sizeBytes() {
    return pool.sizeBytes();
  }

  /** Bytes that pages in use may still grow by. */
  public long availableBytes() {
    return pool.available() * pool.pageBytes();
  }

  @Override
  public void close() {
    pool.close();
  }
}
