package dev.hone.compress.calibrate;

import dev.hone.tensor.Activation;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The products of a layer's input columns with each other, {@code Xᵀ X} summed over all tokens:
 * half the Hessian of the layer's squared error. Products are made in F32 by the kernels that run
 * models, a batch at a time and the lower triangle alone, and summed in double. Where columns are
 * only asked for by themselves, the diagonal alone is summed.
 */
public final class Gram {
  /** Columns whose products are made at once. */
  private static final int BAND = 256;

  /** Rows and columns that are read at once. */
  private static final int TILE = 64;

  /** What is summed. */
  public enum Extent {
    /** Every column's products with itself. */
    DIAGONAL,
    /** All products. */
    ALL
  }

  private final String layer;
  private final int size;
  private final Extent extent;
  private final double[] sums; // the lower triangle, row after row, or the diagonal
  private final float[] largest;
  private final double[] totals;
  private long tokens;

  /**
   * Nothing read yet.
   *
   * @param layer that reads; the first of those that read the same
   * @param size its input columns
   */
  public Gram(String layer, int size, Extent extent) {
    this.layer = layer;
    this.size = size;
    this.extent = extent;
    this.sums = new double[extent == Extent.ALL ? Cholesky.row(size) : size];
    this.largest = new float[size];
    this.totals = new double[size];
  }

  /** The layer that read. */
  public String layer() {
    return layer;
  }

  /** Input columns. */
  public int size() {
    return size;
  }

  /** Tokens that were seen. */
  public long tokens() {
    return tokens;
  }

  /** The largest magnitude of every column: the array itself, not to be changed. */
  public float[] largest() {
    return largest;
  }

  /** The mean of every column. */
  public double[] means() {
    return Arrays.stream(totals).map(total -> total / Math.max(1, tokens)).toArray();
  }

  /** The sum of squares of every column. */
  public double[] diagonal() {
    if (extent == Extent.DIAGONAL) {
      return sums.clone();
    }
    double[] diagonal = new double[size];
    for (int i = 0; i < size; i++) {
      diagonal[i] = at(i, i);
    }
    return diagonal;
  }

  /**
   * The product of two columns.
   *
   * @throws IllegalStateException where the diagonal alone was summed
   */
  public double at(int i, int j) {
    if (extent == Extent.DIAGONAL) {
      throw new IllegalStateException(layer + ": products of its columns were not summed");
    }
    return sums[Cholesky.row(Math.max(i, j)) + Math.min(i, j)];
  }

  /** The whole matrix, row-major: a copy. */
  public double[] matrix() {
    double[] all = new double[size * size];
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        all[i * size + j] = at(i, j);
      }
    }
    return all;
  }

  /**
   * Adds tokens.
   *
   * @param x [token, column] in F32
   */
  public void add(Tensor x, Kernels kernels, ComputePool pool) {
    switch (extent) {
      case DIAGONAL -> squares(x, pool);
      case ALL -> products(x, kernels, pool);
    }
    tokens += x.rows();
  }

  private void squares(Tensor x, ComputePool pool) {
    tiles(
        pool,
        (first, count) -> {
          float[] line = new float[count];
          for (int row = 0; row < x.rows(); row++) {
            read(x, row, first, line, count);
            for (int c = 0; c < count; c++) {
              sums[first + c] += (double) line[c] * line[c];
            }
          }
        });
  }

  private void products(Tensor x, Kernels kernels, ComputePool pool) {
    try (Arena arena = Arena.ofShared()) {
      Tensor columns = transposed(x, arena, pool);
      for (int from = 0; from < size; from += BAND) {
        add(columns, from, kernels, pool);
      }
    }
  }

  /** Adds the products of a band of columns with it and those behind it. */
  private void add(Tensor columns, int from, Kernels kernels, ComputePool pool) {
    int to = Math.min(size, from + BAND);
    try (Arena arena = Arena.ofShared()) {
      PackedMatrix band = kernels.pack(columns.slice(from, to), arena);
      Tensor products = Tensor.allocate(arena, Plain.F32, size - from, to - from);
      kernels.linear(columns.slice(from, size), band, null, Activation.NONE, products);
      pool.run(size - from, row -> sum(products, row, from));
    }
  }

  private void sum(Tensor products, int row, int from) {
    long width = products.cols();
    long start = row * width * Float.BYTES;
    int at = Cholesky.row(from + row) + from;
    for (int i = 0; i < Math.min(width, row + 1); i++) {
      sums[at + i] += products.data().get(Tensor.FLOAT, start + i * (long) Float.BYTES);
    }
  }

  /** [column, token]. */
  private Tensor transposed(Tensor x, Arena arena, ComputePool pool) {
    int rows = Math.toIntExact(x.rows());
    Tensor turned = Tensor.allocate(arena, Plain.F32, size, rows);
    tiles(
        pool,
        (first, count) -> {
          float[] part = new float[TILE * TILE];
          float[] line = new float[TILE];
          for (int row = 0; row < rows; row += TILE) {
            int some = Math.min(TILE, rows - row);
            for (int r = 0; r < some; r++) {
              read(x, row + r, first, line, count);
              for (int c = 0; c < count; c++) {
                part[c * TILE + r] = line[c];
              }
            }
            for (int c = 0; c < count; c++) {
              long at = ((long) (first + c) * rows + row) * Float.BYTES;
              MemorySegment.copy(part, c * TILE, turned.data(), Tensor.FLOAT, at, some);
            }
          }
        });
    return turned;
  }

  @FunctionalInterface
  private interface Some {
    void each(int first, int count);
  }

  private void tiles(ComputePool pool, Some some) {
    pool.run(
        (size + TILE - 1) / TILE,
        tile -> some.each(tile * TILE, Math.min(TILE, size - tile * TILE)));
  }

  /** Numbers of some columns of one token; the largest are seen on the way, and totals. */
  private void read(Tensor x, long row, int first, float[] line, int count) {
    MemorySegment.copy(x.data(), Tensor.FLOAT, (row * size + first) * Float.BYTES, line, 0, count);
    for (int c = 0; c < count; c++) {
      totals[first + c] += line[c];
      largest[first + c] = Math.max(largest[first + c], Math.abs(line[c]));
    }
  }
}
