package dev.hone.compress.quantize;

import dev.hone.compress.quantize.LaneProduct.Range;
import dev.hone.tensor.parallel.ComputePool;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Goes on where {@link Gptq} ends: one weight after the other moves to the integer that is best
 * while all others stand, and every group's scale and shift to what is best for its integers, in
 * terms of the layer's error {@code (w - ŵ) H (w - ŵ)ᵀ}, which never rises. Behdin et al.,
 * "QuantEase: Optimization-based Quantization for Language Models", section 3; scales and shifts
 * are moved here too.
 *
 * <p>Works on some strips of rows in lock step. A block of columns is settled within itself, then
 * what it moved changes the slopes of all others, in one product of matrices.
 */
final class Descent {
  private static final int LANES = Strip.LANES;

  /** Of a determinant, beside what it is the difference of. */
  private static final float TINY = 1e-6f;

  private final Grid grid;
  private final boolean free; // shifts are any number
  private final float[] hessian;
  private final int cols;
  private final int group;
  private final int block;
  private final boolean wide; // a group is more than one block
  private final int[] order; // the columns' own
  private final LaneProduct product;
  private final ComputePool pool;
  private final Part[] parts;
  private final float[][][] moves; // of a block, not yet known to the others' slopes
  private final float[][][] slopes; // H (w - ŵ) [column][lane]
  private final float[][][] turned; // of wide groups: H times their steps

  /**
   * Begins.
   *
   * @param strips rounded, whose integers, scales and shifts are changed; {@link Strip#w} is lost
   * @param hessian H [column, column]
   * @param most columns of a block
   */
  Descent(
      Strip[] strips,
      Integers out,
      float[] hessian,
      int most,
      LaneProduct product,
      ComputePool pool) {
    this.grid = out.grid();
    this.free = grid.offset() == Grid.Offset.FREE;
    this.hessian = hessian;
    this.cols = out.cols();
    this.group = out.group();
    this.wide = group > most;
    this.block = wide ? most : most / group * group;
    this.order = IntStream.range(0, cols).toArray();
    this.product = product;
    this.pool = pool;
    this.parts = Arrays.stream(strips).map(Part::new).toArray(Part[]::new);
    this.moves = Arrays.stream(parts).map(part -> part.moves).toArray(float[][][]::new);
    this.slopes = Arrays.stream(parts).map(part -> part.slope).toArray(float[][][]::new);
    this.turned = Arrays.stream(parts).map(part -> part.turned).toArray(float[][][]::new);
    each(part -> Arrays.stream(part.slope).forEach(slope -> Arrays.fill(slope, 0)));
    for (int from = 0; from < cols; from += block) {
      var range = new Range(from, Math.min(cols, from + block));
      each(part -> part.differences(range));
      product.subtract(hessian, range, new Range(0, cols), moves, slopes, order);
    }
  }

  private void each(Consumer<Part> task) {
    pool.run(parts.length, part -> task.accept(parts[part]));
  }

  /** Every weight, and every group's grid, once. */
  void sweep() {
    int together = wide ? group : cols;
    for (int first = 0; first < cols; first += together) {
      int end = Math.min(cols, first + together);
      for (int from = first; from < end; from += block) {
        var range = new Range(from, Math.min(end, from + block));
        each(part -> part.block(range));
        product.subtract(hessian, range, new Range(0, range.from()), moves, slopes, order);
        product.subtract(hessian, range, new Range(range.to(), cols), moves, slopes, order);
      }
      if (wide && grid.together() == 1) {
        wideGrid(new Range(first, end));
      }
    }
  }

  /**
   * Scales of a group of more than one block, which have no shifts of their own. A scale moves by a
   * small part of itself, and what is off in the product with the steps counts as little.
   */
  private void wideGrid(Range columns) {
    each(part -> Arrays.stream(part.turned).forEach(turned -> Arrays.fill(turned, 0)));
    for (int from = columns.from(); from < columns.to(); from += block) {
      var range = new Range(from, Math.min(columns.to(), from + block));
      each(part -> part.steps(range, -1, part.moves));
      product.subtract(hessian, range, new Range(0, cols), moves, turned, order);
    }
    each(part -> part.wideGrid(columns));
  }

  /** Rows of one strip. */
  private final class Part {
    private final Strip strip;
    private final float[][] q; // [column][lane]
    private final float[][] slope;
    private final float[][] scales; // [group][lane]
    private final float[][] shifts;
    private final float[][] moves = new float[block][LANES];
    private final float[][] steps = new float[wide ? 0 : group][LANES];
    private final float[][] turned = new float[wide ? cols : group][LANES]; // H steps
    private final float[] ones = new float[steps.length]; // H 1
    private final float[] zeros = new float[LANES]; // of a group
    private final float[] wanted = new float[LANES];
    private final float[] stepsSteps = new float[LANES];
    private final float[] stepsOnes = new float[LANES];
    private final float[] slopeSteps = new float[LANES];
    private final float[] slopeOnes = new float[LANES];
    private final float[] scaleMove = new float[LANES];
    private final float[] shiftMove = new float[LANES];

    Part(Strip strip) {
      this.strip = strip;
      this.q = strip.integers();
      this.slope = strip.w();
      this.scales = strip.scales();
      this.shifts = strip.shifts();
    }

    /** ŵ - w, as if all of it were moves. */
    void differences(Range columns) {
      strip.read(columns.from(), columns.to(), moves);
      for (int c = columns.from(); c < columns.to(); c++) {
        float[] move = moves[c - columns.from()];
        float[] own = q[c];
        float[] scale = scales[c / group];
        float[] shift = shifts[c / group];
        for (int r = 0; r < LANES; r++) {
          move[r] = scale[r] * own[r] + shift[r] - move[r];
        }
      }
    }

    /** Moves the weights of a block, and the grids of groups that lie in it. */
    void block(Range columns) {
      for (int from = columns.from(); from < columns.to(); from += group) {
        var own = new Range(from, Math.min(columns.to(), from + group));
        int first = from - columns.from();
        for (int c = from; c < own.to(); c++) {
          column(c, own, moves[c - columns.from()]);
        }
        if (!wide && grid.together() == 1) {
          grid(own, first);
        }
        pay(own, new Range(columns.from(), from), first);
        pay(own, new Range(own.to(), columns.to()), first);
      }
    }

    private void column(int c, Range own, float[] move) {
      float[] integers = q[c];
      float[] rise = slope[c];
      float[] scale = scales[c / group];
      float[] shift = shifts[c / group];
      float inverse = 1 / hessian[c * cols + c];
      for (int r = 0; r < LANES; r++) {
        float now = scale[r] * integers[r] + shift[r];
        wanted[r] = now + rise[r] * inverse;
        move[r] = -now;
      }
      strip.round(c, wanted);
      for (int r = 0; r < LANES; r++) {
        move[r] += scale[r] * integers[r] + shift[r];
      }
      for (int i = own.from(); i < own.to(); i++) {
        float h = hessian[c * cols + i];
        float[] other = slope[i];
        for (int r = 0; r < LANES; r++) {
          other[r] -= h * move[r];
        }
      }
    }

    /** Scale and shift of one group: two equations a lane. */
    private void grid(Range own, int first) {
      steps(own, 1, steps);
      float all = 0;
      for (int i = 0; i < own.count(); i++) {
        int row = (own.from() + i) * cols + own.from();
        ones[i] = 0;
        for (int j = 0; j < own.count(); j++) {
          ones[i] += hessian[row + j];
        }
        all += ones[i];
        Arrays.fill(turned[i], 0);
        add(1, hessian, row, steps, 0, own.count(), turned[i]);
      }
      equations(own, 0);
      solve(own.from() / group, all);
      for (int i = 0; i < own.count(); i++) {
        float[] move = moves[first + i];
        float[] step = steps[i];
        float[] turn = turned[i];
        float[] rise = slope[own.from() + i];
        float one = ones[i];
        for (int r = 0; r < LANES; r++) {
          move[r] += scaleMove[r] * step[r] + shiftMove[r];
          rise[r] -= scaleMove[r] * turn[r] + shiftMove[r] * one;
        }
      }
    }

    /** The scale of a group for which H times its steps is known, of all columns. */
    void wideGrid(Range own) {
      equations(own, own.from());
      solve(own.from() / group, 0);
      for (int c = 0; c < cols; c++) {
        float[] turn = turned[c];
        float[] rise = slope[c];
        for (int r = 0; r < LANES; r++) {
          rise[r] -= scaleMove[r] * turn[r];
        }
      }
    }

    /** Integers of a group's columns less the zero point, times a factor. */
    void steps(Range columns, float factor, float[][] to) {
      zeros(columns.from() / group);
      for (int c = columns.from(); c < columns.to(); c++) {
        float[] step = to[c - columns.from()];
        float[] own = q[c];
        for (int r = 0; r < LANES; r++) {
          step[r] = factor * (own[r] + zeros[r]);
        }
      }
    }

    /** What integers of a group lack to be steps; of grids with free shifts nothing. */
    private void zeros(int g) {
      for (int r = 0; r < LANES; r++) {
        zeros[r] = free ? 0 : (float) Math.rint(shifts[g][r] / scales[g][r]);
      }
    }

    /** Sums over the group, S for steps and 1 for ones: S H S, S H 1, slope S, slope 1. */
    private void equations(Range own, int first) {
      for (float[] sums : new float[][] {stepsSteps, stepsOnes, slopeSteps, slopeOnes}) {
        Arrays.fill(sums, 0);
      }
      zeros(own.from() / group);
      for (int i = 0; i < own.count(); i++) {
        float[] integers = q[own.from() + i];
        float[] rise = slope[own.from() + i];
        float[] turn = turned[first + i];
        for (int r = 0; r < LANES; r++) {
          float step = integers[r] + zeros[r];
          stepsSteps[r] += step * turn[r];
          stepsOnes[r] += turn[r];
          slopeSteps[r] += step * rise[r];
          slopeOnes[r] += rise[r];
        }
      }
    }

    private void solve(int g, float all) {
      for (int r = 0; r < LANES; r++) {
        solve(g, r, all);
      }
    }

    /** Moves a lane's scale and shift, as they are stored, where that lessens the error. */
    private void solve(int g, int r, float all) {
      scaleMove[r] = 0;
      shiftMove[r] = 0;
      float scale = scales[g][r];
      float shift = shifts[g][r];
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
          free ? grid.stored(shift + (slopeOnes[r] - s * stepsOnes[r]) / all) : zeros[r] * newScale;
      float z = free ? newShift - shift : 0;
      float change =
          s * (s * stepsSteps[r] + 2 * z * stepsOnes[r] - 2 * slopeSteps[r])
              + z * (z * all - 2 * slopeOnes[r]);
      if (change < 0) {
        scaleMove[r] = s;
        shiftMove[r] = z;
        scales[g][r] = newScale;
        shifts[g][r] = newShift;
      }
    }

    /** Tells other columns of a block what the moves of some mean for them. */
    private void pay(Range own, Range others, int first) {
      for (int i = others.from(); i < others.to(); i++) {
        add(-1, hessian, i * cols + own.from(), moves, first, own.count(), slope[i]);
      }
    }
  }

  /** {@code y += factor Σk h[at + k] x[first + k]}: four in a pass. */
  private static void add(
      float factor, float[] h, int at, float[][] x, int first, int count, float[] y) {
    int k = 0;
    for (; k + 4 <= count; k += 4) {
      float h0 = factor * h[at + k];
      float h1 = factor * h[at + k + 1];
      float h2 = factor * h[at + k + 2];
      float h3 = factor * h[at + k + 3];
      float[] x0 = x[first + k];
      float[] x1 = x[first + k + 1];
      float[] x2 = x[first + k + 2];
      float[] x3 = x[first + k + 3];
      for (int r = 0; r < LANES; r++) {
        y[r] += h0 * x0[r] + h1 * x1[r] + h2 * x2[r] + h3 * x3[r];
      }
    }
    for (; k < count; k++) {
      float h0 = factor * h[at + k];
      float[] x0 = x[first + k];
      for (int r = 0; r < LANES; r++) {
        y[r] += h0 * x0[r];
      }
    }
  }
}
