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
 * models, a batch at a time and the lower triangle alone, and summed in double.
 */
public final class Gram {
  /** Columns whose products are made at once. */
  private static final int BAND = 256;

  private final String layer;
  private final int size;
  private final double[] sums; // the lower triangle, row after row
  private final float[] largest;
  private final double[] totals;
  private long tokens;

  /**
   * Nothing read yet.
   *
   * @param layer that reads; the first of those that read the same
   * @param size its input columns
   */
  public Gram(String layer, int size) {
    this.layer = layer;
    this.size = size;
    this.sums = new double[Cholesky.row(size)];
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
    double[] diagonal = new double[size];
    for (int i = 0; i < size; i++) {
      diagonal[i] = at(i, i);
    }
    return diagonal;
  }

  /** The product of two columns. */
  public double at(int i, int j) {
    return sums[Cholesky.row(Math.max(i, j)) + Math.min(i, j)];
  }

  /**
   * The whole matrix, row-major: a copy.
   *
   * @param order the column that stands at each place
   */
  public double[] matrix(int[] order) {
    double[] all = new double[size * size];
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) {
        all[i * size + j] = at(order[i], order[j]);
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
    try (Arena arena = Arena.ofShared()) {
      Tensor columns = transposed(x, arena, pool);
      for (int from = 0; from < size; from += BAND) {
        add(columns, from, kernels, pool);
      }
    }
    tokens += x.rows();
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

  /** [column, token]; the largest numbers are seen on the way. */
  private Tensor transposed(Tensor x, Arena arena, ComputePool pool) {
    int rows = Math.toIntExact(x.rows());
    int cols = Math.toIntExact(x.cols());
    Tensor turned = Tensor.allocate(arena, Plain.F32, cols, rows);
    int tile = 64;
    pool.run(
        (cols + tile - 1) / tile,
        task -> {
          int first = task * tile;
          int count = Math.min(tile, cols - first);
          float[] part = new float[tile * tile];
          float[] line = new float[tile];
          for (int row = 0; row < rows; row += tile) {
            int some = Math.min(tile, rows - row);
            for (int r = 0; r < some; r++) {
              long at = ((long) (row + r) * cols + first) * Float.BYTES;
              MemorySegment.copy(x.data(), Tensor.FLOAT, at, line, 0, count);
              for (int c = 0; c < count; c++) {
                part[c * tile + r] = line[c];
                totals[first + c] += line[c];
                largest[first + c] = Math.max(largest[first + c], Math.abs(line[c]));
              }
            }
            for (int c = 0; c < count; c++) {
              long at = ((long) (first + c) * rows + row) * Float.BYTES;
              MemorySegment.copy(part, c * tile, turned.data(), Tensor.FLOAT, at, some);
            }
          }
        });
    return turned;
  }
}
