package dev.hone.compress.quantize;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.layout.Layouts;
import java.util.Arrays;

/**
 * Some rows of a matrix on their way from weights to integers. They stand transposed, a column's
 * lanes side by side, so that every step is a loop over lanes.
 */
final class Strip {
  static final int LANES = GridFit.LANES;

  private final Integers out;
  private final float[] weights;
  private final Curvature curvature;
  private final boolean refits;
  private int first;
  private int rows;
  private final int cols;
  private final int group;
  private final GridFit fit;
  private final float[][] w; // [column][lane]
  private final float[][] integers;
  private final float[][] scales;
  private final float[][] shifts;

  /**
   * Takes memory.
   *
   * @param out where the integers of all rows go
   * @param weights [row, column] of all rows
   */
  Strip(Integers out, float[] weights, Curvature curvature, boolean refits) {
    this.out = out;
    this.weights = weights;
    this.curvature = curvature;
    this.refits = refits;
    this.cols = out.cols();
    this.group = out.group();
    this.fit = new GridFit(out.grid());
    this.w = new float[cols][LANES];
    this.integers = new float[cols][LANES];
    this.scales = new float[out.groups()][LANES];
    this.shifts = new float[out.groups()][LANES];
  }

  /** Reads the weights of the rows from one on. */
  void begin(int row) {
    first = row;
    rows = Math.min(LANES, out.rows() - row);
    read(0, cols, w);
  }

  /** Weights [column][lane], in the columns' own order: the array itself, to be worked on. */
  float[][] w() {
    return w;
  }

  /** Integers [column][lane]: the array itself. */
  float[][] integers() {
    return integers;
  }

  /** Scales [group][lane]: the array itself. */
  float[][] scales() {
    return scales;
  }

  /** Shifts [group][lane]: the array itself. */
  float[][] shifts() {
    return shifts;
  }

  /** Copies columns of the weights as they were: [column][lane], from the first on. */
  void read(int from, int to, float[][] copy) {
    for (int r = 0; r < rows; r++) {
      for (int c = from; c < to; c++) {
        copy[c - from][r] = weights[(first + r) * cols + c];
      }
    }
    for (int c = from; c < to; c++) {
      Arrays.fill(copy[c - from], rows, LANES, 0);
    }
  }

  /** Finds the grids of all columns from the weights as they stand. */
  void grids() {
    for (int from = 0; from < cols; from += group * out.grid().together()) {
      grids(from);
    }
  }

  /** Finds the grids of groups that are found together, beginning with a column's. */
  void grids(int column) {
    int first = column / group;
    int together = out.grid().together();
    for (int g = first; g < first + together; g++) {
      grid(g);
    }
    if (together > 1) {
      settle(first, together);
      if (refits && out.grid().offset() == Grid.Offset.FREE) {
        for (int g = first; g < first + together; g++) {
          int from = g * group;
          fit.shifts(w, from, group, curvature.importance(), from, scales[g], shifts[g]);
        }
        settle(first, together);
      }
    }
  }

  /** Finds the grids of one group. */
  private void grid(int g) {
    int from = g * group;
    int count = Math.min(group, cols - from);
    if (refits) {
      fit.refit(w, from, count, curvature.importance(), from, scales[g], shifts[g]);
    } else {
      fit.range(w, from, count, scales[g], shifts[g]);
    }
  }

  /** Rounds the scales and shifts of groups to the steps that they share. */
  private void settle(int first, int together) {
    float[] some = new float[together];
    float[] down = out.grid().offset() == Grid.Offset.FREE ? new float[together] : null;
    for (int r = 0; r < LANES; r++) {
      for (int g = 0; g < together; g++) {
        some[g] = scales[first + g][r];
        if (down != null) {
          down[g] = shifts[first + g][r];
        }
      }
      Layouts.settle((Block) out.grid().type(), some, down);
      for (int g = 0; g < together; g++) {
        scales[first + g][r] = some[g];
        if (down != null) {
          shifts[first + g][r] = down[g];
        }
      }
    }
  }

  /** The integers of one column that are nearest to what its lanes should be. */
  void round(int column, float[] wanted) {
    int g = column / group;
    fit.round(wanted, scales[g], shifts[g], integers[column]);
  }

  /** Hands the integers over. */
  void store() {
    int groups = out.groups();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        out.q()[(first + r) * cols + c] = (byte) integers[c][r];
      }
      for (int g = 0; g < groups; g++) {
        out.scales()[(first + r) * groups + g] = scales[g][r];
        out.shifts()[(first + r) * groups + g] = shifts[g][r];
      }
    }
  }
}
