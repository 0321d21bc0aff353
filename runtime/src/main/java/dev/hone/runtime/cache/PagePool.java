package dev.hone.runtime.cache;

import dev.hone.tensor.KeyValueType;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Pages of keys and values, lent to one owner each and taken back. Memory comes in chunks of many
 * pages as it is needed, and goes when the pool is closed. A page is {@code rows} tokens' keys and
 * as many values, as {@link KeyValueType} has them.
 */
final class PagePool implements AutoCloseable {
  private static final long CHUNK_BYTES = 1 << 20;

  private final KeyValueType type;
  private final int rows;
  private final int kvHeads;
  private final int headDim;
  private final int mostPages;
  private final float[] row;
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final ArrayDeque<Integer> free = new ArrayDeque<>();
  private final Arena arena = Arena.ofShared();

  /**
   * @param rows tokens of a page
   * @param mostBytes that all pages may take
   */
  PagePool(KeyValueType type, int rows, int kvHeads, int headDim, long mostBytes) {
    this.type = type;
    this.rows = rows;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.row = new float[kvHeads * headDim];
    this.mostPages = (int) Math.min(Integer.MAX_VALUE, mostBytes / pageBytes());
  }

  long pageBytes() {
    return 2 * type.bytes(rows, kvHeads, headDim);
  }

  int rows() {
    return rows;
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
    copy(keys.get(from), keys.get(to));
    copy(values.get(from), values.get(to));
  }

  private static void copy(Tensor from, Tensor to) {
    to.data().copyFrom(from.data());
    if (from.scales() != null) {
      copy(from.scales(), to.scales());
    }
  }

  /**
   * Puts rows of keys and values in F32 into a page.
   *
   * @param from first of {@code count} rows
   * @param at row of the page
   */
  void write(Tensor newKeys, Tensor newValues, int from, int count, int page, int at) {
    write(newKeys, from, count, keys.get(page), at);
    write(newValues, from, count, values.get(page), at);
  }

  private void write(Tensor source, int from, int count, Tensor page, int at) {
    switch (type) {
      case F32 -> {
        long bytes = (long) row.length * Float.BYTES;
        MemorySegment.copy(source.data(), from * bytes, page.data(), at * bytes, count * bytes);
      }
      case F16, INT8 -> {
        for (int i = 0; i < count; i++) {
          MemorySegment.copy(source.row(from + i), Tensor.FLOAT, 0, row, 0, row.length);
          Layouts.encode(row, page, at + i);
        }
      }
    }
  }

  private void grow() {
    long each = pageBytes();
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
    int more = Math.toIntExact(count);
    List<Tensor> chunk = type.allocate(arena, 2 * more, rows, kvHeads, headDim);
    for (int i = 0; i < more; i++) {
      free.add(keys.size());
      keys.add(chunk.get(2 * i));
      values.add(chunk.get(2 * i + 1));
    }
  }

  /** Bytes of all pages, lent or not. */
  long sizeBytes() {
    return keys.size() * pageBytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
