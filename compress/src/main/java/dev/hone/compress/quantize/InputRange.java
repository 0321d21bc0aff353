package dev.hone.compress.quantize;

import dev.hone.model.Linear;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** How far the numbers reach that some layers read in common, and how they lie between. */
final class InputRange {
  /** By how much a batch moves the averages of the ends. */
  static final float MOVEMENT = 0.01f;

  /** Parts that rows are cut into: however many threads there are, sums come in one order. */
  private static final int PARTS = 8;

  private final Map<String, Linear> readers = new LinkedHashMap<>();
  private float least;
  private float most;
  private float averageLeast;
  private float averageMost;
  private boolean seen;
  private InputHistogram histogram;
  private double[] lost;
  private long tokens;

  void addReader(Linear layer) {
    readers.put(layer.name(), layer);
  }

  float least() {
    return least;
  }

  float most() {
    return most;
  }

  float averageLeast() {
    return averageLeast;
  }

  float averageMost() {
    return averageMost;
  }

  InputHistogram histogram() {
    return histogram;
  }

  /** First look: how far a batch reaches. */
  void reach(Tensor x, ComputePool pool) {
    float[] ends = new float[2 * PARTS];
    rows(
        x,
        pool,
        (part, row) -> {
          for (float value : row) {
            ends[2 * part] = Math.min(ends[2 * part], value);
            ends[2 * part + 1] = Math.max(ends[2 * part + 1], value);
          }
        });
    float low = 0;
    float high = 0;
    for (int part = 0; part < PARTS; part++) {
      low = Math.min(low, ends[2 * part]);
      high = Math.max(high, ends[2 * part + 1]);
    }
    least = Math.min(least, low);
    most = Math.max(most, high);
    averageLeast = seen ? averageLeast + MOVEMENT * (low - averageLeast) : low;
    averageMost = seen ? averageMost + MOVEMENT * (high - averageMost) : high;
    seen = true;
  }

  /**
   * Second look: how the numbers lie.
   *
   * @param weigh whether a column counts as much as its weights' squares, or each as much
   */
  void count(Tensor x, boolean weigh, ComputePool pool) {
    if (histogram == null) {
      histogram = new InputHistogram(least, most, columns(weigh, Math.toIntExact(x.cols())));
    }
    double[][] parts = new double[PARTS][InputHistogram.BINS];
    rows(x, pool, (part, row) -> histogram.count(row, parts[part]));
    for (double[] part : parts) {
      histogram.add(part);
    }
  }

  private float[] columns(boolean weigh, int cols) {
    float[] columns = new float[cols];
    if (!weigh) {
      Arrays.fill(columns, 1);
      return columns;
    }
    for (Linear layer : readers.values()) {
      float[] weights = Integers.floats(layer.weight().tensor());
      for (int i = 0; i < weights.length; i++) {
        columns[i % cols] += weights[i] * weights[i];
      }
    }
    return columns;
  }

  /** Third look: what a grid loses of every column. */
  void lose(Tensor x, StaticInt8 grid, ComputePool pool) {
    int cols = Math.toIntExact(x.cols());
    double[][] parts = new double[PARTS][cols];
    rows(
        x,
        pool,
        (part, row) -> {
          float[] rounded = row.clone();
          grid.round(rounded);
          for (int c = 0; c < cols; c++) {
            parts[part][c] += row[c] - rounded[c];
          }
        });
    if (lost == null) {
      lost = new double[cols];
    }
    for (double[] part : parts) {
      for (int c = 0; c < cols; c++) {
        lost[c] += part[c];
      }
    }
    tokens += x.rows();
  }

  /** The mean of what was lost of every column. */
  double[] meanLoss() {
    return IntStream.range(0, lost.length).mapToDouble(c -> lost[c] / tokens).toArray();
  }

  private interface RowTask {
    void take(int part, float[] row);
  }

  private static void rows(Tensor x, ComputePool pool, RowTask task) {
    long rows = x.rows();
    pool.run(
        PARTS,
        part -> {
          float[] row = new float[Math.toIntExact(x.cols())];
          for (long r = part * rows / PARTS; r < (part + 1) * rows / PARTS; r++) {
            MemorySegment.copy(x.row(r), Tensor.FLOAT, 0, row, 0, row.length);
            task.take(part, row);
          }
        });
  }
}
