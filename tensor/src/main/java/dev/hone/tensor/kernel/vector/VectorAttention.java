package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Tiles.DEPTH;
import static dev.hone.tensor.kernel.vector.Tiles.STRIDE;
import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;
import static dev.hone.tensor.kernel.vector.Vectors.ORDER;
import static dev.hone.tensor.kernel.vector.Vectors.PANEL;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Softmax attention, a block of queries against a block of keys at a time. Dao et al.,
 * "FlashAttention", algorithm 1: the scores of a block are multiplied out, made weights relative to
 * the largest score seen so far, and multiplied with the values; what was summed before is scaled
 * down when a larger score turns up.
 *
 * <p>Both products are {@link Tiles}; keys are turned into panels [dim][PANEL keys], values into
 * panels [key][PANEL dims].
 */
record VectorAttention(
    Tensor q,
    int[] offsets,
    KeyValues keyValues,
    AttentionShape shape,
    AttentionMask mask,
    Tensor bias,
    Tensor out,
    Scratch.Shelf shelf) {
  /** Rows of a task: some queries of all heads that share their keys. */
  private static final int ROWS = 96;

  private static final int KEYS = 256; // at most Tiles.DEPTH

  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Scores this far below the largest weigh nothing, and would soon be denormal. */
  private static final float NEGLIGIBLE = -80;

  void run(ComputePool pool) {
    int sequences = offsets.length - 1;
    int longest = 0;
    for (int s = 0; s < sequences; s++) {
      longest = Math.max(longest, offsets[s + 1] - offsets[s]);
    }
    int each = Math.max(1, ROWS / group());
    int blocks = (longest + each - 1) / each;
    int kvHeads = shape.kvHeads();
    pool.run(
        sequences * kvHeads * blocks,
        task -> {
          int sequence = task / kvHeads / blocks;
          int to = offsets[sequence + 1];
          int query = offsets[sequence] + task / kvHeads % blocks * each;
          if (query < to) {
            Scratch scratch = shelf.take();
            attend(sequence, task % kvHeads, query, Math.min(to, query + each), scratch);
            shelf.putBack(scratch);
          }
        });
  }

  /** Query heads that share a key head. */
  private int group() {
    return shape.heads() / shape.kvHeads();
  }

  /**
   * The queries {@code q0 .. q1} of all heads of a key head. Row {@code head * queries + query} of
   * every block is theirs.
   */
  private void attend(int sequence, int kvHead, int q0, int q1, Scratch scratch) {
    int dim = shape.headDim();
    int queries = q1 - q0;
    int rows = queries * group();
    int count = keyValues.count(sequence);
    int position = count - (offsets[sequence + 1] - q0); // of the first query
    int from = mask.first(position);
    int to = mask.end(position + queries - 1, count);
    int padded = Tiles.padded(rows);
    int keysMost = Math.min(KEYS, to - from);
    int width = (keysMost + PANEL - 1) / PANEL * PANEL; // of a row of scores; rows STRIDE apart
    int dimWidth = (dim + PANEL - 1) / PANEL * PANEL;
    // after the scores: each row's sum of weights, then its largest score
    int sums = Math.max(padded * STRIDE, keysMost * dim);
    float[] a = scratch.a = Scratch.atLeast(scratch.a, Tiles.blocks(rows, dim));
    float[] b = scratch.b = Scratch.atLeast(scratch.b, width * Math.max(dim, dimWidth));
    float[] scores = scratch.c = Scratch.atLeast(scratch.c, sums + 2 * padded);
    float[] mixed = scratch.d = Scratch.atLeast(scratch.d, padded * dimWidth);
    int largest = sums + padded;
    Arrays.fill(scores, sums, largest, 0);
    Arrays.fill(scores, largest, largest + padded, Float.NEGATIVE_INFINITY);
    Arrays.fill(mixed, 0, padded * dimWidth, 0);
    readQueries(kvHead, q0, queries, padded, a);
    for (int key = from; key < to; key += KEYS) {
      int keys = Math.min(KEYS, to - key);
      int keyPanels = (keys + PANEL - 1) / PANEL;
      keysToPanels(sequence, key, keys, kvHead, scores, b);
      for (int i = 0; i < padded; i++) {
        Arrays.fill(scores, i * STRIDE, i * STRIDE + width, 0); // until here they held the keys
      }
      for (int p = 0; p < keyPanels; p++) {
        for (int d = 0, block = 0; d < dim; d += DEPTH, block += padded * STRIDE) {
          int depth = Math.min(DEPTH, dim - d);
          int panel = (p * dim + d) * PANEL;
          Tiles.multiply(a, block, rows, b, panel, depth, scores, p * PANEL, STRIDE);
        }
      }
      for (int i = 0; i < rows; i++) {
        int at = i * STRIDE;
        int own = position + i % queries;
        change(scores, at, key, keys, own, kvHead * group() + i / queries, scratch);
        int first = Math.min(keys, Math.max(0, mask.first(own) - key));
        int end = Math.max(first, Math.min(keys, mask.end(own, count) - key));
        Arrays.fill(scores, at, at + first, Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, at + end, at + keys, Float.NEGATIVE_INFINITY);
        weigh(scores, at, keys, sums + i, largest + i, mixed, i * dimWidth, dimWidth);
      }
      valuesToPanels(sequence, key, keys, kvHead, b);
      for (int p = 0; p < dimWidth / PANEL; p++) {
        Tiles.multiply(scores, 0, rows, b, p * keys * PANEL, keys, mixed, p * PANEL, dimWidth);
      }
    }
    for (int i = 0; i < rows; i++) {
      scale(mixed, i * dimWidth, dim, 1 / scores[sums + i]);
    }
    for (int head = 0; head < group(); head++) {
      int at = head * queries * dimWidth;
      writeRows(mixed, at, dimWidth, q0, queries, (kvHead * group() + head) * dim);
    }
  }

  private void readQueries(int kvHead, int q0, int queries, int padded, float[] a) {
    int dim = shape.headDim();
    for (int d = 0, block = 0; d < dim; d += DEPTH, block += padded * STRIDE) {
      int depth = Math.min(DEPTH, dim - d);
      for (int head = 0; head < group(); head++) {
        int col = (kvHead * group() + head) * dim + d;
        copyRows(q, q0, queries, col, depth, a, block + head * queries * STRIDE, STRIDE);
      }
      for (int i = 0; i < queries * group(); i++) {
        scale(a, block + i * STRIDE, depth, shape.scale());
      }
    }
  }

  /** Caps a row of scores, and adds what depends on the distance of its keys. */
  private void change(
      float[] scores, int at, int key, int keys, int own, int head, Scratch scratch) {
    if (shape.softCap() > 0) {
      Activations.softCap(shape.softCap(), scores, at, (keys + LANES - 1) / LANES * LANES);
    }
    if (bias != null) {
      int cols = (int) bias.cols();
      float[] row = scratch.e = Scratch.atLeast(scratch.e, cols);
      MemorySegment.copy(bias.data(), Tensor.FLOAT, 4L * head * cols, row, 0, cols);
      int furthest = cols / 2;
      for (int j = 0; j < keys; j++) {
        scores[at + j] += row[furthest + Math.clamp(key + j - own, -furthest, furthest)];
      }
    }
  }

  private static void scale(float[] x, int at, int count, float factor) {
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector.fromArray(FLOATS, x, at + i).mul(factor).intoArray(x, at + i);
    }
    for (; i < count; i++) {
      x[at + i] *= factor;
    }
  }

  private void writeRows(float[] from, int fromAt, int stride, int row, int rows, int col) {
    MemorySegment data = out.data();
    int cols = shape.headDim();
    long rowBytes = out.cols() * 4;
    long at = row * rowBytes + col * 4L;
    if (cols % LANES != 0) {
      for (int i = 0; i < rows; i++) {
        MemorySegment.copy(from, fromAt + i * stride, data, Tensor.FLOAT, at + i * rowBytes, cols);
      }
      return;
    }
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j += LANES) {
        FloatVector.fromArray(FLOATS, from, fromAt + i * stride + j)
            .intoMemorySegment(data, at + i * rowBytes + j * 4L, ORDER);
      }
    }
  }

  /** Columns of one head of some rows of a page, whatever its type, as floats. */
  private void readRows(
      Tensor page, int row, int rows, int col, int cols, float[] to, int toAt, int stride) {
    switch (page.dtype()) {
      case Plain type when type == Plain.F32 ->
          copyRows(page, row, rows, col, cols, to, toAt, stride);
      case Plain _ -> { // F16 alone has passed the check
        for (int i = 0; i < rows; i++) {
          long at = ((row + i) * page.cols() + col) * Short.BYTES;
          for (int j = 0; j < cols; j++) {
            short half = page.data().get(HALF, at + (long) j * Short.BYTES);
            to[toAt + i * stride + j] = Float.float16ToFloat(half);
          }
        }
      }
      case DType.Affine affine -> {
        for (int i = 0; i < rows; i++) {
          float scale = page.scales().get(row + i, col / affine.group());
          long at = (row + i) * page.cols() + col;
          for (int j = 0; j < cols; j++) {
            to[toAt + i * stride + j] = page.data().get(JAVA_BYTE, at + j) * scale;
          }
        }
      }
      case DType.Block block -> throw new IllegalStateException(block.label());
    }
  }

  /** Columns {@code col .. col + cols} of some rows, to rows {@code stride} apart. */
  private static void copyRows(
      Tensor from, int row, int rows, int col, int cols, float[] to, int toAt, int stride) {
    MemorySegment data = from.data();
    long rowBytes = from.cols() * 4;
    long at = row * rowBytes + col * 4L;
    if (cols % LANES != 0) {
      for (int i = 0; i < rows; i++) {
        MemorySegment.copy(data, Tensor.FLOAT, at + i * rowBytes, to, toAt + i * stride, cols);
      }
      return;
    }
    for (int i = 0; i < rows; i++) { // a call of copy() costs as much as 32 numbers
      for (int j = 0; j < cols; j += LANES) {
        FloatVector.fromMemorySegment(FLOATS, data, at + i * rowBytes + j * 4L, ORDER)
            .intoArray(to, toAt + i * stride + j);
      }
    }
  }

  /**
   * Keys as [panel][dim][PANEL keys]; the places of keys that are not there keep what they held.
   */
  private void keysToPanels(int sequence, int key, int keys, int kvHead, float[] rows, float[] b) {
    int dim = shape.headDim();
    for (int done = 0, run; done < keys; done += run) {
      run = Math.min(keys - done, keyValues.run(sequence, key + done));
      Tensor page = keyValues.keys(sequence, key + done);
      int row = keyValues.row(sequence, key + done);
      readRows(page, row, run, kvHead * dim, dim, rows, done * dim, dim);
    }
    for (int j = 0; j < keys; j++) {
      int to = j / PANEL * dim * PANEL + j % PANEL;
      for (int d = 0; d < dim; d++) {
        b[to + d * PANEL] = rows[j * dim + d];
      }
    }
  }

  /** Values as [panel][key][PANEL dims]. */
  private void valuesToPanels(int sequence, int key, int keys, int kvHead, float[] b) {
    int dim = shape.headDim();
    for (int done = 0, run; done < keys; done += run) {
      run = Math.min(keys - done, keyValues.run(sequence, key + done));
      Tensor page = keyValues.values(sequence, key + done);
      int row = keyValues.row(sequence, key + done);
      for (int d = 0; d < dim; d += PANEL) {
        int width = Math.min(PANEL, dim - d);
        readRows(page, row, run, kvHead * dim + d, width, b, d * keys + done * PANEL, PANEL);
      }
    }
  }

  /** Makes a row of scores weights, and scales down what has been mixed when they rise. */
  private static void weigh(
      float[] scores,
      int at,
      int keys,
      int sumAt,
      int largestAt,
      float[] mixed,
      int mixedAt,
      int dimWidth) {
    int end = (keys + LANES - 1) / LANES * LANES;
    Arrays.fill(scores, at + keys, at + end, Float.NEGATIVE_INFINITY);
    FloatVector max = FloatVector.broadcast(FLOATS, scores[largestAt]);
    for (int j = 0; j < end; j += LANES) {
      FloatVector x = FloatVector.fromArray(FLOATS, scores, at + j);
      max =
          max.blend(
              x, x.compare(VectorOperators.GT, max)); // quicker than max(), which orders zeros
    }
    float largest = max.reduceLanes(VectorOperators.MAX);
    float before = scores[largestAt];
    if (largest > before && before > Float.NEGATIVE_INFINITY) {
      float factor = (float) Math.exp(before - largest);
      scores[sumAt] *= factor;
      scale(mixed, mixedAt, dimWidth, factor);
    }
    scores[largestAt] = largest;
    if (largest == Float.NEGATIVE_INFINITY) { // it has seen no key yet
      Arrays.fill(scores, at, at + end, 0);
      return;
    }
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int j = 0; j < end; j += LANES) {
      FloatVector x = FloatVector.fromArray(FLOATS, scores, at + j).sub(largest);
      FloatVector weight = Activations.exp(x).blend(0, x.compare(VectorOperators.LT, NEGLIGIBLE));
      weight.intoArray(scores, at + j);
      sum = sum.add(weight);
    }
    scores[sumAt] += sum.reduceLanes(VectorOperators.ADD);
  }
}
