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
 * <p>Queries are read where they lie, and so are keys and values where a task has few queries: else
 * they are laid out as panels. A task's scratch memory, all of it F32 but the states:
 *
 * <pre>
 *   widened  [row of a page][dim], of keys or values that are stored in fewer bits
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
  private static final int ROWS = 144;

  /** The same of products by tiles, to which laying out keys is dearer. */
  private static final int TILE_ROWS = 256;

  /** Keys of a block: with {@link #ROWS} rows of scores they take 160 KB. */
  private static final int KEYS = 256;

  /** Tasks for each thread, where there are as many: heads of one task lie beside each other. */
  private static final int TASKS_EACH = 8;

  /** Queries up to which keys and values are read where they lie. */
  private static final int DIRECT_QUERIES = 2;

  /** More tokens than there are, and still a number that rows can be added to. */
  private static final long MOST = Integer.MAX_VALUE;

  /** Beside a row of scores, so that rows do not lie a power of two apart. */
  private static final int GAP = 16;

  /** Whether attention of this shape can be assembled. */
  static boolean fits(AttentionShape shape, Tensor bias) {
    return bias == null
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
    Splits splits = TileAttention.fits(shape.headDim()) ? code.splits(shape.rounding()) : null;
    int most = Math.max(1, (splits == null ? ROWS : TILE_ROWS) / group());
    int blocks = Math.max(1, (longest + most - 1) / most);
    int each = (longest + blocks - 1) / blocks;
    int kvHeads = shape.kvHeads();
    long all = (long) sequences * blocks * kvHeads;
    int headsEach = Math.clamp(all / ((long) pool.threads() * TASKS_EACH), 1, kvHeads);
    int headTasks = (kvHeads + headsEach - 1) / headsEach;
    pool.run(
        sequences * headTasks * blocks,
        task -> {
          int sequence = task / headTasks / blocks;
          int query = offsets[sequence] + task / headTasks % blocks * each;
          int queries = Math.min(each, offsets[sequence + 1] - query);
          int head = task % headTasks * headsEach;
          int end = Math.min(kvHeads, head + headsEach);
          for (; queries > 0 && head < end; head++) {
            if (queries > DIRECT_QUERIES && splits != null) {
              new TileAttention(this, splits, sequence, head, query, queries).run();
            } else {
              new Task(sequence, head, query, queries).run();
            }
          }
        });
  }

  /** Query heads that share a key head. */
  int group() {
    return shape.heads() / shape.kvHeads();
  }

  /**
   * Which of a block's keys queries see.
   *
   * @param position of the first query among its sequence's keys
   */
  SoftmaxKernel.Range range(int position, int key, int block) {
    // of queries without bounds, a first key far before the block and an end far behind it
    long first = Math.max((long) position - mask.before() - key, -MOST);
    long end = Math.min((long) position + mask.after() + 1 - key, MOST);
    return new SoftmaxKernel.Range(first, end, block);
  }

  /** Some queries of all heads of a key head. */
  private final class Task {
    private final int dim = shape.headDim();
    private final int columns = code.narrowProduct().columns();
    private final int panels = (dim + columns - 1) / columns; // of values
    private final long rowBytes = (long) columns * Float.BYTES; // of a panel
    private final int sequence;
    private final int kvHead;
    private final int query;
    private final int queries;
    private final int rows;
    private final int count;
    private final boolean direct;

    /** Of the first query among the sequence's keys. */
    private final int position;

    private final int from;
    private final int to;
    private final int width;
    private final long scoreStride;
    private final long mixedStride;
    private final MemorySegment memory;
    private final MemorySegment widened;
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
      direct = queries <= DIRECT_QUERIES;
      count = keyValues.count(sequence);
      position = count - (offsets[sequence + 1] - query);
      from = mask.first(position);
      to = mask.end(position + queries - 1, count);
      int most = Math.min(KEYS, to - from);
      width = (most + columns - 1) / columns * columns;
      scoreStride = (long) (width + GAP) * Float.BYTES;
      mixedStride = panels * rowBytes;
      long keyBytes = (long) width * dim * Float.BYTES;
      long valueBytes = most * mixedStride;
      long scoreBytes = rows * scoreStride;
      long mixedBytes = rows * mixedStride;
      long stateBytes = (long) rows * SoftmaxKernel.STATE_BYTES;
      boolean narrow = keyValues.dtype() != Plain.F32;
      long widenedBytes = narrow ? (long) most * dim * Float.BYTES : 0;
      memory =
          code.scratch()
              .take(widenedBytes + keyBytes + valueBytes + scoreBytes + mixedBytes + stateBytes);
      long at = 0;
      widened = memory.asSlice(at, widenedBytes);
      keys = memory.asSlice(at += widenedBytes, keyBytes);
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
      if (direct) {
        for (int done = 0, run; done < block; done += run) {
          run = run(key, block, done);
          HeadRows in = keys(key + done, run);
          for (int row = 0; row < rows; row++) {
            code.keyDots().run(query(row), in.data(), in.stride(), run, dim, scores(row, done));
          }
        }
        return;
      }
      panelsOfKeys(key, block);
      int keyPanels = (block + columns - 1) / columns;
      for (int head = 0; head < group(); head++) {
        MemorySegment a = rowsOf(q, query, queries, kvHead * group() + head);
        MemorySegment c = scores(head * queries, 0);
        long stride = q.cols() * Float.BYTES;
        long panel = dim * rowBytes;
        MemorySegment zeros = code.zeros();
        code.narrowProduct()
            .run(a, stride, keys, panel, c, scoreStride, queries, dim, keyPanels, zeros, 0);
      }
    }

    /** Keys as columns; the places of those that are not there keep what they held. */
    private void panelsOfKeys(int key, int block) {
      for (int done = 0, run; done < block; done += run) {
        int column = done % columns;
        int most = column == 0 ? block : Math.min(block, done - column + columns);
        run = run(key, most, done); // of a panel that another page has begun, its end first
        HeadRows in = keys(key + done, run);
        long at = ((long) (done - column) * dim + column) * Float.BYTES;
        code.transpose().run(in.data(), in.stride(), run, dim, keys.asSlice(at));
      }
    }

    /** How many keys of a block, of which some are done, follow in one page. */
    private int run(int key, int block, int done) {
      return Math.min(block - done, keyValues.run(sequence, key + done));
    }

    private HeadRows keys(int key, int run) {
      return rows(keyValues.keys(sequence, key), keyValues.row(sequence, key), run);
    }

    private HeadRows values(int key, int run) {
      return rows(keyValues.values(sequence, key), keyValues.row(sequence, key), run);
    }

    private HeadRows rows(Tensor page, int row, int run) {
      return HeadRows.of(page, row, run, kvHead, dim, widened, code);
    }

    private MemorySegment query(int row) {
      return rowsOf(q, query + row % queries, 1, kvHead * group() + row / queries);
    }

    /** Scores of a row and of those below it, from a key of the block on. */
    private MemorySegment scores(int row, int key) {
      return scores.asSlice(row * scoreStride + (long) key * Float.BYTES);
    }

    private void weigh(int key, int block) {
      var range = range(position, key, block);
      for (int head = 0; head < group(); head++) {
        code.softmax()
            .run(
                scores(head * queries, 0),
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
      if (direct) {
        if (key == from) {
          mixed.fill((byte) 0);
        }
        for (int done = 0, run; done < block; done += run) {
          run = run(key, block, done);
          HeadRows in = values(key + done, run);
          for (int row = 0; row < rows; row++) {
            MemorySegment sum = mixed.asSlice(row * mixedStride);
            code.valueSum().run(scores(row, done), in.data(), in.stride(), run, dim, sum);
          }
        }
        return;
      }
      MemorySegment start = key == from ? code.zeros() : MemorySegment.NULL;
      panelsOfValues(key, block);
      long panel = block * rowBytes;
      code.narrowProduct()
          .run(
              scores,
              scoreStride,
              values,
              panel,
              mixed,
              mixedStride,
              rows,
              block,
              panels,
              start,
              0);
    }

    private void panelsOfValues(int key, int block) {
      for (int done = 0, run; done < block; done += run) {
        run = run(key, block, done);
        HeadRows in = values(key + done, run);
        for (int panel = 0; panel < panels; panel++) {
          MemorySegment from = in.data().asSlice(panel * rowBytes);
          MemorySegment to = values.asSlice((panel * (long) block + done) * rowBytes);
          int length = Math.min(columns, dim - panel * columns);
          code.rows().run(Operation.COPY, from, in.stride(), to, rowBytes, run, length);
        }
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
