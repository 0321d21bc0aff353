package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.MemorySegment;

/**
 * Softmax attention, a block of queries against a block of keys at a time. Dao et al.,
 * "FlashAttention", algorithm 1: the scores of a block are multiplied out, made weights relative to
 * the largest score seen so far, and multiplied with the values; what was summed before is scaled
 * down when a larger score turns up.
 *
 * <p>Queries are read where they lie. A task's scratch memory, all of it F32 but the states:
 *
 * <pre>
 *   keys     [panel][dim][columns]         values  [panel of dims][key][columns]
 *   scores   [row][width and a line more]  mixed   [row][dims, whole panels]
 *   states   [row], see SoftmaxKernel      row = head in group * queries + query
 * </pre>
 */
record X86Attention(
    Tensor q,
    int[] offsets,
    KeyValues keyValues,
    AttentionShape shape,
    AttentionMask mask,
    Tensor out,
    X86Code code) {
  /** Rows of a task: some queries of all heads that share their keys. */
  private static final int ROWS = 96;

  /** Keys of a block: with {@link #ROWS} rows of scores they take 100 KB. */
  private static final int KEYS = 256;

  /** More tokens than there are, and still a number that rows can be added to. */
  private static final long MOST = Integer.MAX_VALUE;

  /** Beside a row of scores, so that rows do not lie a power of two apart. */
  private static final int GAP = 16;

  /** Whether attention of this shape can be assembled, to keys and values of this type. */
  static boolean fits(AttentionShape shape, KeyValues keyValues, Tensor bias) {
    return bias == null
        && keyValues.dtype() == Plain.F32
        && shape.softCap() == 0
        && shape.headDim() % TransposeKernel.STEP == 0
        && shape.scale() > 0;
  }

  void run(ComputePool pool) {
    int sequences = offsets.length - 1;
    int longest = 0;
    for (int s = 0; s < sequences; s++) {
      longest = Math.max(longest, offsets[s + 1] - offsets[s]);
    }
    int most = Math.max(1, ROWS / group());
    int blocks = Math.max(1, (longest + most - 1) / most);
    int each = (longest + blocks - 1) / blocks;
    int kvHeads = shape.kvHeads();
    pool.run(
        sequences * kvHeads * blocks,
        task -> {
          int sequence = task / kvHeads / blocks;
          int to = offsets[sequence + 1];
          int query = offsets[sequence] + task / kvHeads % blocks * each;
          if (query < to) {
            new Task(sequence, task % kvHeads, query, Math.min(each, to - query)).run();
          }
        });
  }

  /** Query heads that share a key head. */
  private int group() {
    return shape.heads() / shape.kvHeads();
  }

  /** Some queries of all heads of a key head. */
  private final class Task {
    private final int dim = shape.headDim();
    private final int columns = code.product().columns();
    private final int panels = (dim + columns - 1) / columns; // of values
    private final int sequence;
    private final int kvHead;
    private final int query;
    private final int queries;
    private final int rows;
    private final int count;

    /** Of the first query among the sequence's keys. */
    private final int position;

    private final int from;
    private final int to;
    private final int width;
    private final long scoreStride;
    private final long mixedStride;
    private final MemorySegment memory;
    private final MemorySegment keys;
    private final MemorySegment values;
    private final MemorySegment scores;
    private final MemorySegment mixed;
    private final MemorySegment states;

    Task(int sequence, int kvHead, int query, int queries) {
      this.sequence = sequence;
      this.kvHead = kvHead;
      this.query = query;
      this.queries = queries;
      rows = queries * group();
      count = keyValues.count(sequence);
      position = count - (offsets[sequence + 1] - query);
      from = mask.first(position);
      to = mask.end(position + queries - 1, count);
      int most = Math.min(KEYS, to - from);
      width = (most + columns - 1) / columns * columns;
      scoreStride = (long) (width + GAP) * Float.BYTES;
      mixedStride = (long) panels * columns * Float.BYTES;
      long keyBytes = (long) width * dim * Float.BYTES;
      long valueBytes = most * mixedStride;
      long scoreBytes = rows * scoreStride;
      long mixedBytes = rows * mixedStride;
      long stateBytes = (long) rows * SoftmaxKernel.STATE_BYTES;
      memory = code.scratch().take(keyBytes + valueBytes + scoreBytes + mixedBytes + stateBytes);
      long at = 0;
      keys = memory.asSlice(at, keyBytes);
      values = memory.asSlice(at += keyBytes, valueBytes);
      scores = memory.asSlice(at += valueBytes, scoreBytes);
      mixed = memory.asSlice(at += scoreBytes, mixedBytes);
      states = memory.asSlice(at + mixedBytes, stateBytes);
    }

    void run() {
      for (int key = from; key < to; key += KEYS) {
        int block = Math.min(KEYS, to - key);
        score(key, block);
        weigh(key, block);
        if (key > from) {
          rescale();
        }
        mix(key, block);
      }
      writeOut();
      code.scratch().putBack(memory);
    }

    /** Every query with every key of a block. */
    private void score(int key, int block) {
      for (int panel = 0; panel * columns < block; panel++) {
        MemorySegment b = keys.asSlice((long) panel * columns * dim * Float.BYTES);
        panelOfKeys(key + panel * columns, Math.min(columns, block - panel * columns), b);
        for (int head = 0; head < group(); head++) {
          MemorySegment a = rowsOf(q, query, queries, kvHead * group() + head);
          MemorySegment c =
              scores.asSlice(
                  (long) head * queries * scoreStride + (long) panel * columns * Float.BYTES);
          long stride = q.cols() * Float.BYTES;
          code.product().run(a, stride, b, c, scoreStride, queries, dim, code.zeros());
        }
      }
    }

    /** Keys as columns; the places of those that are not there keep what they held. */
    private void panelOfKeys(int key, int most, MemorySegment b) {
      for (int done = 0, run; done < most; done += run) {
        run = Math.min(most - done, keyValues.run(sequence, key + done));
        Tensor page = keyValues.keys(sequence, key + done);
        MemorySegment in = rowsOf(page, keyValues.row(sequence, key + done), run, kvHead);
        MemorySegment to = b.asSlice((long) done * Float.BYTES);
        code.transpose().run(in, page.cols() * Float.BYTES, run, dim, to);
      }
    }

    private void weigh(int key, int block) {
      // of queries without bounds, a first key far before the block and an end far behind it
      long first = Math.max((long) position - mask.before() - key, -MOST);
      long end = Math.min((long) position + mask.after() + 1 - key, MOST);
      var range = new SoftmaxKernel.Range(first, end, block);
      for (int head = 0; head < group(); head++) {
        code.softmax()
            .run(
                scores.asSlice((long) head * queries * scoreStride),
                scoreStride,
                queries,
                width,
                range,
                shape.scale(),
                states.asSlice(stateOf(head)),
                key == from);
      }
    }

    /** Adds a block's values, as they are weighed. */
    private void mix(int key, int block) {
      MemorySegment start = key == from ? code.zeros() : MemorySegment.NULL;
      long rowBytes = (long) columns * Float.BYTES;
      for (int panel = 0; panel < panels; panel++) {
        MemorySegment b = values.asSlice((long) panel * block * rowBytes, block * rowBytes);
        panelOfValues(key, block, panel, b);
        MemorySegment c = mixed.asSlice(panel * rowBytes);
        code.product().run(scores, scoreStride, b, c, mixedStride, rows, block, start);
      }
    }

    private void panelOfValues(int key, int block, int panel, MemorySegment b) {
      int first = panel * columns;
      int length = Math.min(columns, dim - first);
      long rowBytes = (long) columns * Float.BYTES;
      for (int done = 0, run; done < block; done += run) {
        run = Math.min(block - done, keyValues.run(sequence, key + done));
        Tensor page = keyValues.values(sequence, key + done);
        MemorySegment in =
            rowsOf(page, keyValues.row(sequence, key + done), run, kvHead)
                .asSlice((long) first * Float.BYTES);
        MemorySegment to = b.asSlice(done * rowBytes);
        code.rows().run(Operation.COPY, in, page.cols() * Float.BYTES, to, rowBytes, run, length);
      }
    }

    private void writeOut() {
      long stride = out.cols() * Float.BYTES;
      for (int head = 0; head < group(); head++) {
        MemorySegment in = mixed.asSlice((long) head * queries * mixedStride);
        MemorySegment to = rowsOf(out, query, queries, kvHead * group() + head);
        MemorySegment sums = states.asSlice(stateOf(head) + SoftmaxKernel.SUM);
        code.rows()
            .run(
                Operation.DIVIDE,
                in,
                mixedStride,
                to,
                stride,
                queries,
                dim,
                sums,
                SoftmaxKernel.STATE_BYTES);
      }
    }

    /** What earlier blocks have mixed, in terms of the largest score as it is now. */
    private void rescale() {
      code.rows()
          .run(
              Operation.SCALE,
              mixed,
              mixedStride,
              mixed,
              mixedStride,
              rows,
              (long) panels * columns,
              states.asSlice(SoftmaxKernel.FACTOR),
              SoftmaxKernel.STATE_BYTES);
    }

    /** Where the states of a head's queries begin. */
    private long stateOf(int head) {
      return (long) head * queries * SoftmaxKernel.STATE_BYTES;
    }

    /** A head's columns of some rows. */
    private MemorySegment rowsOf(Tensor tensor, int row, int rows, int head) {
      return PanelProduct.rowsFrom(tensor, row, rows, head * dim, dim);
    }
  }
}
