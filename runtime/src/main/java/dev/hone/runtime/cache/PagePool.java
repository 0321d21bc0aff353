package dev.hone.runtime.cache;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Pages of keys and values, lent to one owner each and taken back. Memory comes in chunks of many
 * pages as it is needed, and goes when the pool is closed.
 *
 * <pre>
 *   page   keys [rows, width], values [rows, width] in F32
 * </pre>
 */
final class PagePool implements AutoCloseable {
  private static final long CHUNK_BYTES = 1 << 20;

  private final int rows;
  private final int width;
  private final int mostPages;
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final ArrayDeque<Integer> free = new ArrayDeque<>();
  private final Arena arena = Arena.ofShared();

  /**
   * @param rows tokens of a page
   * @param width numbers of a token's keys
   * @param mostBytes that all pages may take
   */
  PagePool(int rows, int width, long mostBytes) {
    this.rows = rows;
    this.width = width;
    this.mostPages = (int) Math.min(Integer.MAX_VALUE, mostBytes / pageBytes(rows, width));
  }

  private static long pageBytes(int rows, int width) {
    return 2L * rows * width * Float.BYTES;
  }

  int rows() {
    return rows;
  }

  int width() {
    return width;
  }

  /** The keys of every page there is, by its index; later ones are added at the end. */
  List<Tensor> keys() {
    return Collections.unmodifiableList(keys);
  }

  List<Tensor> values() {
    return Collections.unmodifiableList(values);
  }

  /** Pages that nobody has, or that could be made. */
  long available() {
    return free.size() + (long) mostPages - keys.size();
  }

  /**
   * A page whose numbers are whatever stood there before.
   *
   * @throws CacheFullException where no page is left
   */
  int take() {
    if (free.isEmpty()) {
      grow();
    }
    return free.pop();
  }

  void giveBack(int page) {
    free.push(page);
  }

  /** Puts what stands in a page into another. */
  void copy(int from, int to) {
    keys.get(to).data().copyFrom(keys.get(from).data());
    values.get(to).data().copyFrom(values.get(from).data());
  }

  private void grow() {
    long each = pageBytes(rows, width);
    long count = Math.min(Math.max(1, CHUNK_BYTES / each), mostPages - (long) keys.size());
    if (count <= 0) {
      throw new CacheFullException(
          "the cache is full: pages="
              + keys.size()
              + ", tokens of one page in one layer="
              + rows
              + ", bytes="
              + sizeBytes()
              + "; close a sequence, or give the cache more");
    }
    Tensor chunk = Tensor.allocate(arena, Plain.F32, 2 * count * rows, width);
    for (long row = 0; row < chunk.rows(); row += 2L * rows) {
      free.add(keys.size());
      keys.add(chunk.slice(row, row + rows));
      values.add(chunk.slice(row + rows, row + 2L * rows));
    }
  }

  /** Bytes of all pages, lent or not. */
  long sizeBytes() {
    return keys.size() * pageBytes(rows, width);
  }

  @Override
  public void close() {
    arena.close();
  }
}
