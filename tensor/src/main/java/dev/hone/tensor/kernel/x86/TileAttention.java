package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import java.lang.foreign.MemorySegment;

/**
 * {@link X86Attention} of some queries of all heads that share their keys, by tile products of
 * {@link SplitParts}.
 *
 * <pre>
 *   keys     [panel of 16 keys][pair of dims]   values   [panel of 16 dims][pair of keys]
 *   queries  [head in group][query, whole tiles] rows of parts; mixed the same, in F32
 *   scores   [query of a part][key]             weights  the same, rows of parts
 * </pre>
 */
final class TileAttention {
  /** Keys of a block. */
  private static final int KEYS = 256;

  /** Queries that pass a block of keys together: their scores stay in the first-level cache. */
  private static final int QUERIES = 32;

  private static final float LOG2_E = 1.44269504f;

  /** Beside a row, so that rows do not lie a power of two apart. */
  private static final int GAP = 64;

  private final X86Attention call;
  private final X86Code code;
  private final Splits splits;
  private final int sequence;
  private final int kvHead;
  private final int query;
  private final int queries;

  /** The same in whole tiles. */
  private final int rows;

  private final int dim;
  private final int group;
  private final int count;

  /** Of the first query among the sequence's keys. */
  private final int position;

  private final int from;
  private final int to;
  private final long queryStride;
  private final long scoreStride;
  private final long weightStride;
  private final long mixedStride;
  private final MemorySegment memory;
  private long taken;
  private final MemorySegment widened;
  private final MemorySegment columns;
  private final MemorySegment keys;
  private final MemorySegment values;
  private final MemorySegment parts;
  private final MemorySegment scores;
  private final MemorySegment weights;
  private final MemorySegment mixed;
  private final MemorySegment states;

  /** Whether heads are made of whole steps. */
  static boolean fits(int headDim) {
    return headDim % SplitParts.STEP == 0;
  }

  TileAttention(
      X86Attention call, Splits splits, int sequence, int kvHead, int query, int queries) {
    this.call = call;
    this.code = call.code();
    this.splits = splits;
    this.sequence = sequence;
    this.kvHead = kvHead;
    this.query = query;
    this.queries = queries;
    rows = up(queries, SplitParts.TILE);
    dim = call.shape().headDim();
    group = call.group();
    count = call.keyValues().count(sequence);
    position = count - (call.offsets()[sequence + 1] - query);
    from = call.mask().first(position);
    to = call.mask().end(position + queries - 1, count);
    int width = up(Math.min(KEYS, to - from), SplitParts.STEP);
    int some = Math.min(rows, QUERIES);
    queryStride = (long) dim / SplitParts.STEP * splits.scoreParts() * SplitParts.BYTES + GAP;
    scoreStride = (long) width * Float.BYTES + GAP;
    weightStride = (long) width / SplitParts.STEP * splits.valueParts() * SplitParts.BYTES + GAP;
    mixedStride = (long) dim * Float.BYTES;
    long numbers = (long) width * dim;
    long all = (long) group * rows;
    long panelBytes = (long) code.transpose().columns() * Float.BYTES;
    long[] sizes = {
      numbers * Float.BYTES,
      dim * panelBytes,
      numbers * splits.scoreParts() * Short.BYTES,
      numbers * splits.valueParts() * Short.BYTES,
      all * queryStride,
      some * scoreStride,
      some * weightStride,
      all * mixedStride,
      all * SoftmaxKernel.STATE_BYTES
    };
    memory = code.scratch().take(java.util.Arrays.stream(sizes).sum());
    widened = next(sizes[0]);
    columns = next(sizes[1]);
    keys = next(sizes[2]);
    values = next(sizes[3]);
    parts = next(sizes[4]);
    scores = next(sizes[5]);
    weights = next(sizes[6]);
    mixed = next(sizes[7]);
    states = next(sizes[8]);
  }

  private MemorySegment next(long bytes) {
    MemorySegment part = memory.asSlice(taken, bytes);
    taken += bytes;
    return part;
  }

  private static int up(int number, int unit) {
    return (number + unit - 1) / unit * unit;
  }

  void run() {
    for (int head = 0; head < group; head++) {
      splitQueries(head);
    }
    for (int key = from; key < to; key += KEYS) {
      int block = Math.min(KEYS, to - key);
      layOut(key, block);
      for (int head = 0; head < group; head++) {
        for (int first = 0; first < queries; first += QUERIES) {
          attend(head, first, Math.min(QUERIES, queries - first), key, block);
        }
      }
    }
    for (int head = 0; head < group; head++) {
      writeOut(head);
    }
    code.scratch().putBack(memory);
  }

  private void splitQueries(int head) {
    HeadRows in = HeadRows.of(call.q(), query, queries, kvHead * group + head, dim);
    splits
        .rows()
        .run(
            in.data(),
            in.stride(),
            queries,
            dim / SplitParts.STEP,
            parts.asSlice((long) head * rows * queryStride),
            queryStride,
            call.shape().scale() * LOG2_E);
  }

  /** A block's keys and values as panels. */
  private void layOut(int key, int block) {
    int width = up(block, SplitParts.STEP);
    HeadRows in = rows(key, block, true);
    int most = code.transpose().columns();
    long columnStride = (long) most * Float.BYTES;
    long keyBytes = (long) dim * splits.scoreParts() * Short.BYTES;
    for (int done = 0; done < block; done += most) {
      MemorySegment some = in.data().asSlice(done * in.stride());
      code.transpose().run(some, in.stride(), Math.min(most, block - done), dim, columns);
      int panels = Math.min(most, width - done) / SplitParts.TILE;
      MemorySegment out = keys.asSlice(done * keyBytes);
      splits.keys().run(columns, columnStride, dim, panels, dim / 2, out);
    }
    in = rows(key, block, false);
    int panels = dim / SplitParts.TILE;
    splits.values().run(in.data(), in.stride(), block, panels, width / 2, values);
  }

  /** Keys or values of a block, put together where they lie in several pages. */
  private HeadRows rows(int key, int block, boolean ofKeys) {
    KeyValues all = call.keyValues();
    long rowBytes = (long) dim * Float.BYTES;
    for (int done = 0, run; done < block; done += run) {
      int at = key + done;
      run = Math.min(block - done, all.run(sequence, at));
      Tensor page = ofKeys ? all.keys(sequence, at) : all.values(sequence, at);
      int row = all.row(sequence, at);
      if (run == block && page.dtype() == Plain.F32) {
        return HeadRows.of(page, row, run, kvHead, dim);
      }
      HeadRows.widen(page, row, run, kvHead, dim, widened.asSlice(done * rowBytes), code);
    }
    return new HeadRows(widened, rowBytes);
  }

  /** Some queries of a head with a block of keys, as far as they see it. */
  private void attend(int head, int first, int some, int key, int block) {
    int begin = call.mask().first(position + first) - key;
    int end = Math.min(block, call.mask().end(position + first + some - 1, count) - key);
    if (end <= Math.max(begin, 0)) {
      return; // they see none of the block's keys
    }
    boolean fresh = begin >= 0;
    int width = up(end, SplitParts.STEP);
    long row = (long) head * rows + first;
    int tileRows = up(some, SplitParts.TILE);
    long keyBytes = (long) dim * splits.scoreParts() * Short.BYTES;
    splits
        .scores()
        .run(
            parts.asSlice(row * queryStride),
            queryStride,
            keys,
            SplitParts.TILE * keyBytes,
            scores,
            scoreStride,
            tileRows,
            width / SplitParts.TILE,
            dim / SplitParts.STEP,
            false);
    MemorySegment state = states.asSlice(row * SoftmaxKernel.STATE_BYTES);
    SoftmaxKernel.Range range = call.range(position + first, key, end);
    splits
        .softmax()
        .run(scores, scoreStride, some, width, range, state, fresh, weights, weightStride);
    MemorySegment sums = mixed.asSlice(row * mixedStride);
    if (!fresh) {
      MemorySegment factors = state.asSlice(SoftmaxKernel.FACTOR);
      scale(Operation.SCALE, sums, sums, mixedStride, some, factors);
    }
    splits
        .mix()
        .run(
            weights,
            weightStride,
            values,
            (long) up(block, SplitParts.STEP) * SplitParts.TILE * splits.valueParts() * Short.BYTES,
            sums,
            mixedStride,
            tileRows,
            dim / SplitParts.TILE,
            width / SplitParts.STEP,
            !fresh);
  }

  private void writeOut(int head) {
    HeadRows out = HeadRows.of(call.out(), query, queries, kvHead * group + head, dim);
    long row = (long) head * rows;
    MemorySegment sums = states.asSlice(row * SoftmaxKernel.STATE_BYTES + SoftmaxKernel.SUM);
    MemorySegment in = mixed.asSlice(row * mixedStride);
    scale(Operation.DIVIDE, in, out.data(), out.stride(), queries, sums);
  }

  /** Rows of {@link #mixed} by a number of each one's state. */
  private void scale(
      Operation operation,
      MemorySegment in,
      MemorySegment out,
      long outStride,
      int rows,
      MemorySegment numbers) {
    code.rows()
        .run(
            operation,
            in,
            mixedStride,
            out,
            outStride,
            rows,
            dim,
            numbers,
            SoftmaxKernel.STATE_BYTES);
  }
}
