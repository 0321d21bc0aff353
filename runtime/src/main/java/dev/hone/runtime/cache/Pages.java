package dev.hone.runtime.cache;

import dev.hone.tensor.Tensor;
import java.util.Arrays;

/**
 * One layer's pages of one sequence, in the order of its tokens. Pages at the front that a sliding
 * window has left behind are given back.
 */
final class Pages {
  private final PagePool pool;
  private final int before;
  private int[] pages = new int[4];
  private int count;
  private int forgotten;

  /**
   * @param before tokens before its own that a token sees
   */
  Pages(PagePool pool, int before) {
    this.pool = pool;
    this.before = before;
  }

  /** No pages yet, for the same layer of another sequence. */
  Pages another() {
    return new Pages(pool, before);
  }

  /** Takes, where it has none, as many pages as another has, with what stands in them. */
  void copyOf(Pages other) {
    pages = new int[other.pages.length];
    forgotten = other.forgotten;
    while (count < other.count) {
      pages[count] = pool.take();
      pool.copy(other.pages[count], pages[count]);
      count++;
    }
  }

  /** Tokens whose keys are no longer here: a whole number of pages. */
  int forgotten() {
    return forgotten;
  }

  /** The pages that are here. */
  int[] toArray() {
    return Arrays.copyOf(pages, count);
  }

  /**
   * Puts keys and values of tokens at a place, in new pages where there are none.
   *
   * @param from rows {@code from .. to} of keys and values
   * @param at tokens of the sequence before them
   */
  void write(Tensor keys, Tensor values, int from, int to, int at) {
    int rows = pool.rows();
    int tokens = at - forgotten + to - from;
    while ((long) count * rows < tokens) {
      int page = pool.take();
      if (count == pages.length) {
        pages = Arrays.copyOf(pages, 2 * count);
      }
      pages[count++] = page;
    }
    for (int row = from, run; row < to; row += run) {
      int place = at - forgotten + row - from;
      run = Math.min(to - row, rows - place % rows);
      pool.write(keys, values, row, run, pages[place / rows], place % rows);
    }
  }

  /** Gives back the pages whose keys the token after so many sees no more. */
  void forget(int length) {
    int rows = pool.rows();
    int unseen = Math.max(0, length - before - forgotten) / rows;
    if (unseen == 0) {
      return;
    }
    for (int i = 0; i < unseen; i++) {
      pool.giveBack(pages[i]);
    }
    System.arraycopy(pages, unseen, pages, 0, count - unseen);
    count -= unseen;
    forgotten += unseen * rows;
  }

  boolean canTruncate(int tokens) {
    return forgotten == 0 || Math.max(0, tokens - before) >= forgotten;
  }

  void checkTruncate(int tokens) {
    if (!canTruncate(tokens)) {
      throw new IllegalArgumentException(
          "tokens="
              + tokens
              + ": the next one sees "
              + before
              + " before it, of which a layer has given the first "
              + forgotten
              + " of the sequence away");
    }
  }

  void truncate(int tokens) {
    int kept = Math.ceilDiv(Math.max(0, tokens - forgotten), pool.rows());
    while (count > kept) {
      pool.giveBack(pages[--count]);
    }
  }

  void clear() {
    truncate(0);
  }
}
