package dev.hone.compress.quantize;

import java.util.Arrays;

/**
 * Goes on where {@link Gptq} ends: one weight after the other moves to the integer that is best
 * while all others stand, and every group's scale and shift to what is best for its integers, in
 * terms of the layer's error {@code (w - ŵ) H (w - ŵ)ᵀ}, which never rises. Behdin et al.,
 * "QuantEase: Optimization-based Quantization for Language Models", section 3; scales and shifts
 * are moved here too.
 *
 * <p>Works on a strip of rows, which stand as lanes.
 */
final class Descent {
  private static final int LANES = GridFit.LANES;

  /** Of a determinant, beside what it is the difference of. */
  private static final float TINY = 1e-6f;

  private final Grid grid;
  private final boolean free; // shifts are any number
  private final GridFit fit;
  private final float[] hessian;
  private final int cols;
  private final int group;
  private final float[] now; // ŵ [column, lane]
  private final float[] q; // [column, lane]
  private final float[] slope; // H (w - ŵ) [column, lane]
  private final float[] scales;
  private final float[] shifts;
  private final float[] moves; // of the columns of a group, not yet paid to the others
  private final float[] steps; // integers of a group, less the zero point
  private final float[] wanted = new float[LANES];
  private final float[] stepsSteps = new float[LANES];
  private final float[] stepsOnes = new float[LANES];
  private final float[] slopeSteps = new float[LANES];
  private final float[] slopeOnes = new float[LANES];
  private final float[] scaleMove = new float[LANES];
  private final float[] shiftMove = new float[LANES];

  /**
   * Begins.
   *
   * @param target w [column, lane]
   * @param q integers [column, lane], which are changed, as are scales and shifts
   * @param scales [group, lane]
   * @param shifts [group, lane]
   * @param hessian H [column, column]
   */
  Descent(
      Grid grid,
      GridFit fit,
      float[] target,
      float[] q,
      float[] scales,
      float[] shifts,
      float[] hessian,
      int group) {
    this.grid = grid;
    this.free = grid.offset() == Grid.Offset.FREE;
    this.fit = fit;
    this.hessian = hessian;
    this.cols = target.length / LANES;
    this.group = group;
    this.q = q;
    this.scales = scales;
    this.shifts = shifts;
    this.now = new float[target.length];
    this.slope = new float[target.length];
    this.moves = new float[Math.min(group, cols) * LANES];
    this.steps = new float[moves.length];
    for (int c = 0; c < cols; c++) {
      int g = c / group * LANES;
      for (int r = 0; r < LANES; r++) {
        now[c * LANES + r] = scales[g + r] * q[c * LANES + r] + shifts[g + r];
      }
    }
    for (int from = 0; from < cols; from += group) {
      int to = Math.min(cols, from + group);
      for (int i = from * LANES; i < to * LANES; i++) {
        moves[i - from * LANES] = now[i] - target[i];
      }
      pay(from, to, 0, cols);
    }
  }

  /** Every weight, and every group's grid, once. */
  void sweep() {
    for (int from = 0; from < cols; from += group) {
      int to = Math.min(cols, from + group);
      Arrays.fill(moves, 0);
      for (int c = from; c < to; c++) {
        column(c, from, to);
      }
      if (grid.together() == 1) {
        grid(from, to);
      }
      pay(from, to, 0, from);
      pay(from, to, to, cols);
    }
  }

  private void column(int c, int from, int to) {
    int at = c * LANES;
    int g = c / group * LANES;
    float inverse = 1 / hessian[c * cols + c];
    for (int r = 0; r < LANES; r++) {
      wanted[r] = now[at + r] + slope[at + r] * inverse;
    }
    fit.round(wanted, 0, scales, shifts, g, q, at);
    int m = (c - from) * LANES;
    for (int r = 0; r < LANES; r++) {
      float moved = scales[g + r] * q[at + r] + shifts[g + r];
      wanted[r] = moved - now[at + r];
      moves[m + r] += wanted[r];
      now[at + r] = moved;
    }
    for (int i = from; i < to; i++) {
      float h = hessian[c * cols + i];
      for (int r = 0; r < LANES; r++) {
        slope[i * LANES + r] -= h * wanted[r];
      }
    }
  }

  /** Scale and shift of one group: two equations a lane. */
  private void grid(int from, int to) {
    int g = from / group * LANES;
    for (int i = from; i < to; i++) {
      for (int r = 0; r < LANES; r++) {
        steps[(i - from) * LANES + r] = q[i * LANES + r] + (free ? 0 : zero(g + r));
      }
    }
    float all = equations(from, to);
    for (int r = 0; r < LANES; r++) {
      solve(g, r, all);
    }
    for (int i = from; i < to; i++) {
      int m = (i - from) * LANES;
      for (int r = 0; r < LANES; r++) {
        float move = scaleMove[r] * steps[m + r] + shiftMove[r];
        steps[m + r] = move;
        moves[m + r] += move;
        now[i * LANES + r] += move;
      }
    }
    for (int i = from; i < to; i++) {
      for (int j = from; j < to; j++) {
        float h = hessian[i * cols + j];
        int m = (j - from) * LANES;
        for (int r = 0; r < LANES; r++) {
          slope[i * LANES + r] -= h * steps[m + r];
        }
      }
    }
  }

  /** Sums over the group, S for steps and 1 for ones: S H S, S H 1, slope S, slope 1; 1 H 1. */
  private float equations(int from, int to) {
    for (float[] sums : new float[][] {stepsSteps, stepsOnes, slopeSteps, slopeOnes}) {
      Arrays.fill(sums, 0);
    }
    float all = 0;
    for (int i = from; i < to; i++) {
      Arrays.fill(wanted, 0);
      for (int j = from; j < to; j++) {
        float h = hessian[i * cols + j];
        all += h;
        int m = (j - from) * LANES;
        for (int r = 0; r < LANES; r++) {
          wanted[r] += h * steps[m + r];
        }
      }
      int m = (i - from) * LANES;
      for (int r = 0; r < LANES; r++) {
        float own = slope[i * LANES + r];
        stepsSteps[r] += steps[m + r] * wanted[r];
        stepsOnes[r] += wanted[r];
        slopeSteps[r] += steps[m + r] * own;
        slopeOnes[r] += own;
      }
    }
    return all;
  }

  /** Moves a lane's scale and shift, as they are stored, where that lessens the error. */
  private void solve(int g, int r, float all) {
    scaleMove[r] = 0;
    shiftMove[r] = 0;
    float scale = scales[g + r];
    float shift = shifts[g + r];
    float determinant = free ? stepsSteps[r] * all - stepsOnes[r] * stepsOnes[r] : stepsSteps[r];
    if (!(determinant > TINY * (free ? stepsSteps[r] * all : 0))) {
      return; // all in one place
    }
    float rise = free ? slopeSteps[r] * all - slopeOnes[r] * stepsOnes[r] : slopeSteps[r];
    float newScale = grid.stored(scale + rise / determinant);
    if (newScale == 0 || newScale > 0 != scale > 0) {
      return;
    }
    float s = newScale - scale; // the shift makes good for its rounding
    float newShift =
        free
            ? grid.stored(shift + (slopeOnes[r] - s * stepsOnes[r]) / all)
            : zero(g + r) * newScale;
    float z = free ? newShift - shift : 0;
    float change =
        s * (s * stepsSteps[r] + 2 * z * stepsOnes[r] - 2 * slopeSteps[r])
            + z * (z * all - 2 * slopeOnes[r]);
    if (change < 0) {
      scaleMove[r] = s;
      shiftMove[r] = z;
      scales[g + r] = newScale;
      shifts[g + r] = newShift;
    }
  }

  /** Less the zero point, of grids whose shift is whole steps. */
  private float zero(int lane) {
    return (float) Math.rint(shifts[lane] / scales[lane]);
  }

  /** Tells columns what the moves of a group mean for them: four of the group in a pass. */
  private void pay(int from, int to, int first, int end) {
    for (int i = first; i < end; i++) {
      int at = i * LANES;
      int row = i * cols;
      int j = from;
      for (; j + 4 <= to; j += 4) {
        float h0 = hessian[row + j];
        float h1 = hessian[row + j + 1];
        float h2 = hessian[row + j + 2];
        float h3 = hessian[row + j + 3];
        int m = (j - from) * LANES;
        for (int r = 0; r < LANES; r++) {
          slope[at + r] -=
              h0 * moves[m + r]
                  + h1 * moves[m + LANES + r]
                  + h2 * moves[m + 2 * LANES + r]
                  + h3 * moves[m + 3 * LANES + r];
        }
      }
      for (; j < to; j++) {
        float h = hessian[row + j];
        int m = (j - from) * LANES;
        for (int r = 0; r < LANES; r++) {
          slope[at + r] -= h * moves[m + r];
        }
      }
    }
  }
}
