package dev.hone.runtime.cache;

import dev.hone.model.Attention;
import dev.hone.model.Block;
import dev.hone.model.KeyValueCache;
import dev.hone.model.Transformer;
import java.util.HashSet;
import java.util.List;

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

  /**
   * A cache for one model.
   *
   * @param mostBytes that keys and values may take
   */
  public PagedCache(Transformer model, long mostBytes) {
    int layers = model.blocks().size();
    this.windows = new int[layers];
    int width = width(model.blocks().getFirst());
    for (int i = 0; i < layers; i++) {
      Block block = model.blocks().get(i);
      Attention attention = block.attention();
      if (attention.mask().after() > 0) {
        throw new IllegalArgumentException(
            "block " + i + " lets tokens see later ones: an encoder's keys cannot be kept");
      }
      if (width(block) != width) {
        throw new IllegalArgumentException(
            "block " + i + " has keys of " + width(block) + " numbers, the first of " + width);
      }
      windows[i] = attention.mask().before();
    }
    this.pool = new PagePool(PAGE_TOKENS, width, mostBytes);
  }

  private static int width(Block block) {
    return block.attention().shape().kvHeads() * block.attention().shape().headDim();
  }

  /** A sequence without tokens. Close it, so that others can have its pages. */
  public CachedSequence open() {
    return new CachedSequence(pool, windows);
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
    return pool.available() * 2L * PAGE_TOKENS * pool.width() * Float.BYTES;
  }

  @Override
  public void close() {
    pool.close();
  }
}
