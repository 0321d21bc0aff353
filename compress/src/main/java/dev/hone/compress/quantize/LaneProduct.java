package dev.hone.compress.quantize;

import dev.hone.tensor.Activation;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * Products of a matrix with columns of many {@link Strip}s at once, made by the kernels that run
 * models: what roundings of some columns mean for the others.
 *
 * <p>They are as exact as floats, where tiles make them (AMX) as two BF16: then off by some 1e-5 of
 * the largest. What is multiplied are errors of rounding, a step of a grid at most, and so what is
 * off stays far below a step, summed over all columns and sweeps too: nothing is computed anew.
 */
final class LaneProduct implements AutoCloseable {
  private static final int LANES = Strip.LANES;

  /** Columns that are changed at once: what they are changed by stays in a cache. */
  private static final int BAND = 512;

  /** Columns of a task. */
  private static final int TILE = 32;

  private final Kernels kernels;
  private final ComputePool pool;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment factors;
  private final MemorySegment lanes;
  private final MemorySegment products;

  /**
   * Takes memory.
   *
   * @param strips at most
   * @param depth columns that are multiplied, at most
   */
  LaneProduct(Kernels kernels, int strips, int depth) {
    this.kernels = kernels;
    this.pool = kernels.pool();
    long floats = (long) strips * LANES;
    this.factors = arena.allocate((long) BAND * depth * Float.BYTES, Tensor.ALIGNMENT);
    this.lanes = arena.allocate(floats * depth * Float.BYTES, Tensor.ALIGNMENT);
    this.products = arena.allocate(floats * BAND * Float.BYTES, Tensor.ALIGNMENT);
  }

  /** Places from one to before another. */
  record Range(int from, int to) {
    int count() {
      return to - from;
    }
  }

  /**
   * {@code y[order[i]] -= Σk a[i, k] x[k]} in every lane of every strip.
   *
   * @param a [n, n]
   * @param x of every strip, [k from the first on][lane]
   * @param y of every strip, [column][lane]
   * @param order column that stands at each place i
   */
  void subtract(float[] a, Range k, Range i, float[][][] x, float[][][] y, int[] order) {
    if (i.count() <= 0) {
      return;
    }
    try (Arena own = Arena.ofShared()) {
      PackedMatrix packed = kernels.pack(turned(x, k.count()), own);
      for (int from = i.from(); from < i.to(); from += BAND) {
        var band = new Range(from, Math.min(i.to(), from + BAND));
        Tensor product = tensor(products, band.count(), x.length * LANES);
        kernels.linear(part(a, order.length, k, band), packed, null, Activation.NONE, product);
        tiles(band, tile -> subtract(product, band, tile, y, order));
      }
    }
  }

  private static Tensor tensor(MemorySegment room, int rows, int cols) {
    long bytes = (long) rows * cols * Float.BYTES;
    return Tensor.of(Plain.F32, room.asSlice(0, bytes), rows, cols);
  }

  private void tiles(Range band, Consumer<Range> part) {
    pool.run(
        (band.count() + TILE - 1) / TILE,
        tile -> {
          int from = band.from() + tile * TILE;
          part.accept(new Range(from, Math.min(band.to(), from + TILE)));
        });
  }

  /** Strips' numbers as a weight: [strip and lane, k]. */
  private Tensor turned(float[][][] x, int depth) {
    pool.run(
        x.length,
        strip -> {
          float[] part = new float[LANES * depth];
          for (int k = 0; k < depth; k++) {
            float[] column = x[strip][k];
            for (int r = 0; r < LANES; r++) {
              part[r * depth + k] = column[r];
            }
          }
          long at = (long) strip * part.length * Float.BYTES;
          MemorySegment.copy(part, 0, lanes, Tensor.FLOAT, at, part.length);
        });
    return tensor(lanes, x.length * LANES, depth);
  }

  /** A part of the matrix as an input: [i, k]. */
  private Tensor part(float[] a, int n, Range k, Range band) {
    int depth = k.count();
    tiles(
        band,
        tile -> {
          for (int i = tile.from(); i < tile.to(); i++) {
            long at = (long) (i - band.from()) * depth * Float.BYTES;
            MemorySegment.copy(a, i * n + k.from(), factors, Tensor.FLOAT, at, depth);
          }
        });
    return tensor(factors, band.count(), depth);
  }

  private static void subtract(Tensor product, Range band, Range tile, float[][][] y, int[] order) {
    float[] part = new float[LANES];
    for (int i = tile.from(); i < tile.to(); i++) {
      for (int strip = 0; strip < y.length; strip++) {
        long at = ((i - band.from()) * product.cols() + (long) strip * LANES) * Float.BYTES;
        MemorySegment.copy(product.data(), Tensor.FLOAT, at, part, 0, LANES);
        float[] own = y[strip][order[i]];
        for (int r = 0; r < LANES; r++) {
          own[r] -= part[r];
        }
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
