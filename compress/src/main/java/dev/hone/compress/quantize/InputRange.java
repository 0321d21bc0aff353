package dev.hone.compress.quantize;

import dev.hone.model.Linear;
import dev.hone.tensor.ColumnFactors;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.layout.Layouts;
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
  private float[] lows; // of every column
  private float[] highs;
  private double[] squares;
  private ColumnFactors factors = ColumnFactors.NONE;
  private float averageLeast;
  private float averageMost;
  private boolean averaged;
  private InputHistogram histogram;
  private double[] lost;
  private long tokens;

  void addReader(Linear layer) {
    readers.put(layer.name(), layer);
  }

  /** What numbers are multiplied with before all else that is asked of them. */
  ColumnFactors factors() {
    return factors;
  }

  float least() {
    return least(lows);
  }

  float most() {
    return most(highs);
  }

  private float least(float[] columns) {
    float least = 0;
    for (int c = 0; c < columns.length; c++) {
      least = Math.min(least, columns[c] * factors.of(c));
    }
    return least;
  }

  private float most(float[] columns) {
    float most = 0;
    for (int c = 0; c < columns.length; c++) {
      most = Math.max(most, columns[c] * factors.of(c));
    }
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

  /** First look: how far each column reaches. */
  void reach(Tensor x, ComputePool pool) {
    int cols = Math.toIntExact(x.cols());
    if (lows == null) {
      lows = new float[cols];
      highs = new float[cols];
      squares = new double[cols];
    }
    double[][] parts = new double[PARTS][cols];
    Reached reached = reached(x, parts, pool);
    for (int c = 0; c < cols; c++) {
      lows[c] = Math.min(lows[c], reached.lows[c]);
      highs[c] = Math.max(highs[c], reached.highs[c]);
      for (double[] part : parts) {
        squares[c] += part[c];
      }
    }
    tokens += x.rows();
  }

  /** How far the columns of a batch reach, zero among it. */
  private record Reached(float[] lows, float[] highs) {}

  private Reached reached(Tensor x, double[][] squared, ComputePool pool) {
    int cols = Math.toIntExact(x.cols());
    float[][] least = new float[PARTS][cols];
    float[][] most = new float[PARTS][cols];
    rows(
        x,
        pool,
        (part, row) -> {
          for (int c = 0; c < cols; c++) {
            least[part][c] = Math.min(least[part][c], row[c]);
            most[part][c] = Math.max(most[part][c], row[c]);
            squared[part][c] += row[c] * row[c];
          }
        });
    for (int part = 1; part < PARTS; part++) {
      for (int c = 0; c < cols; c++) {
        least[0][c] = Math.min(least[0][c], least[part][c]);
        most[0][c] = Math.max(most[0][c], most[part][c]);
      }
    }
    return new Reached(least[0], most[0]);
  }

  /** Lets all columns share one grid as well as they can: {@link ColumnBalance}. */
  void balance() {
    double[] powers = Arrays.stream(squares).map(sum -> sum / tokens).toArray();
    float[] spans = new float[lows.length];
    for (int c = 0; c < spans.length; c++) {
      spans[c] = Math.max(-lows[c], highs[c]);
    }
    factors =
        ColumnBalance.of(
            spans,
            powers,
            readers.values().stream()
                .map(layer -> Layouts.floats(layer.weight().tensor()))
                .toList());
  }

  /** Second look, for averages: the ends of a batch move those of before. */
  void average(Tensor x, ComputePool pool) {
    Reached reached = reached(x, new double[PARTS][Math.toIntExact(x.cols())], pool);
    float low = least(reached.lows);
    float high = most(reached.highs);
    averageLeast = averaged ? averageLeast + MOVEMENT * (low - averageLeast) : low;
    averageMost = averaged ? averageMost + MOVEMENT * (high - averageMost) : high;
    averaged = true;
  }

  /**
   * Second look, for histograms: how the numbers lie.
   *
   * @param weigh whether a column counts as much as its weights' squares, or each as much
   */
  void count(Tensor x, boolean weigh, ComputePool pool) {
    if (histogram == null) {
      histogram = new InputHistogram(least(), most(), columns(weigh, Math.toIntExact(x.cols())));
    }
    double[][] parts = new double[PARTS][InputHistogram.BINS];
    multiplied(x, pool, (part, row) -> histogram.count(row, parts[part]));
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
      float[] weights = Layouts.floats(layer.weight().tensor());
      for (int i = 0; i < weights.length; i++) {
        float divided = weights[i] / factors.of(i % cols);
        columns[i % cols] += divided * divided;
      }
    }
    return columns;
  }

  /**
   * Third look: what a grid loses of every column.
   *
   * @param grid of numbers that have been multiplied
   */
  void lose(Tensor x, StaticInt8 grid, ComputePool pool) {
    int cols = Math.toIntExact(x.cols());
    double[][] parts = new double[PARTS][cols];
    multiplied(
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
  }

  /** The mean of what was lost of every column. */
  double[] meanLoss() {
    return IntStream.range(0, lost.length).mapToDouble(c -> lost[c] / tokens).toArray();
  }

  private void multiplied(Tensor x, ComputePool pool, RowTask task) {
    rows(
        x,
        pool,
        (part, row) -> {
          for (int c = 0; c < row.length; c++) {
            row[c] *= factors.of(c);
          }
          task.take(part, row);
        });
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
