package dev.hone.tensor.kernel.vector;

import static dev.hone.tensor.kernel.vector.Vectors.FLOATS;
import static dev.hone.tensor.kernel.vector.Vectors.LANES;

import dev.hone.tensor.Activation;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The kernels that work on one row: copied to an array, which is filled up with zeros to whole
 * vectors, worked on there and copied out.
 */
final class Rows {
  private Rows() {}

  /** Numbers of whole vectors that hold {@code cols}. */
  static int padded(int cols) {
    return (cols + LANES - 1) / LANES * LANES;
  }

  private static void read(Tensor tensor, int row, float[] to) {
    int cols = (int) tensor.cols();
    MemorySegment.copy(tensor.data(), Tensor.FLOAT, 4L * row * cols, to, 0, cols);
    Arrays.fill(to, cols, padded(cols), 0);
  }

  private static void write(float[] from, Tensor tensor, int row) {
    int cols = (int) tensor.cols();
    MemorySegment.copy(from, 0, tensor.data(), Tensor.FLOAT, 4L * row * cols, cols);
  }

  /** Adds a row to an array. */
  static void add(float[] sum, Tensor tensor, int row, Scratch scratch) {
    int cols = padded((int) tensor.cols());
    float[] other = scratch.b = Scratch.atLeast(scratch.b, cols);
    read(tensor, row, other);
    for (int i = 0; i < cols; i += LANES) {
      FloatVector.fromArray(FLOATS, sum, i)
          .add(FloatVector.fromArray(FLOATS, other, i))
          .intoArray(sum, i);
    }
  }

  static void layerNorm(
      Tensor x,
      Tensor residual,
      Tensor weight,
      Tensor bias,
      float epsilon,
      Tensor out,
      int row,
      Scratch scratch) {
    int cols = (int) x.cols();
    int padded = padded(cols);
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    read(x, row, values);
    if (residual != null) {
      add(values, residual, row, scratch);
    }
    FloatVector sums = FloatVector.zero(FLOATS);
    for (int i = 0; i < padded; i += LANES) {
      sums = sums.add(FloatVector.fromArray(FLOATS, values, i));
    }
    float mean = sums.reduceLanes(VectorOperators.ADD) / cols;
    Arrays.fill(values, cols, padded, mean); // adds nothing to the variance
    FloatVector squares = FloatVector.zero(FLOATS);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, values, i).sub(mean);
      v.intoArray(values, i);
      squares = v.fma(v, squares);
    }
    float variance = squares.reduceLanes(VectorOperators.ADD) / cols;
    float factor = (float) (1 / Math.sqrt((double) variance + epsilon));
    float[] gain = scratch.b = Scratch.atLeast(scratch.b, padded);
    float[] shift = scratch.c = Scratch.atLeast(scratch.c, padded);
    read(weight, 0, gain);
    if (bias == null) {
      Arrays.fill(shift, 0, padded, 0);
    } else {
      read(bias, 0, shift);
    }
    for (int i = 0; i < padded; i += LANES) {
      FloatVector.fromArray(FLOATS, values, i)
          .mul(factor)
          .fma(FloatVector.fromArray(FLOATS, gain, i), FloatVector.fromArray(FLOATS, shift, i))
          .intoArray(values, i);
    }
    write(values, out, row);
  }

  static void rmsNorm(
      Tensor x,
      Tensor residual,
      Tensor weight,
      float shift,
      float epsilon,
      Tensor out,
      int row,
      Scratch scratch) {
    int cols = (int) x.cols();
    int padded = padded(cols);
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    read(x, row, values);
    if (residual != null) {
      add(values, residual, row, scratch);
    }
    FloatVector squares = FloatVector.zero(FLOATS);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector v = FloatVector.fromArray(FLOATS, values, i);
      squares = v.fma(v, squares);
    }
    float mean = squares.reduceLanes(VectorOperators.ADD) / cols;
    float factor = (float) (1 / Math.sqrt((double) mean + epsilon));
    float[] gain = scratch.b = Scratch.atLeast(scratch.b, padded);
    read(weight, 0, gain);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector.fromArray(FLOATS, values, i)
          .mul(factor)
          .mul(FloatVector.fromArray(FLOATS, gain, i).add(shift))
          .intoArray(values, i);
    }
    write(values, out, row);
  }

  static void gate(
      Tensor gate, Tensor up, Activation activation, Tensor out, int row, Scratch scratch) {
    int padded = padded((int) gate.cols());
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    float[] factors = scratch.b = Scratch.atLeast(scratch.b, padded);
    read(gate, row, values);
    read(up, row, factors);
    Activations.apply(activation, values, padded);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector.fromArray(FLOATS, values, i)
          .mul(FloatVector.fromArray(FLOATS, factors, i))
          .intoArray(values, i);
    }
    write(values, out, row);
  }

  static void scale(Tensor x, float factor, Tensor out, int row, Scratch scratch) {
    int padded = padded((int) x.cols());
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    read(x, row, values);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector.fromArray(FLOATS, values, i).mul(factor).intoArray(values, i);
    }
    write(values, out, row);
  }

  static void softCap(Tensor x, float cap, Tensor out, int row, Scratch scratch) {
    int padded = padded((int) x.cols());
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    read(x, row, values);
    Activations.softCap(cap, values, 0, padded);
    write(values, out, row);
  }

  /** Adds a row of x, times a factor, to another of out. */
  static void addTo(Tensor out, int to, Tensor x, float factor, int row, Scratch scratch) {
    int padded = padded((int) x.cols());
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    float[] sum = scratch.b = Scratch.atLeast(scratch.b, padded);
    read(x, row, values);
    read(out, to, sum);
    FloatVector factors = FloatVector.broadcast(FLOATS, factor);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector.fromArray(FLOATS, values, i)
          .fma(factors, FloatVector.fromArray(FLOATS, sum, i))
          .intoArray(sum, i);
    }
    write(sum, out, to);
  }

  static void rope(
      Tensor x, Tensor table, int position, int headDim, Tensor out, int row, Scratch scratch) {
    int cols = (int) x.cols();
    int half = (int) table.cols() / 2;
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded(cols));
    float[] turn = scratch.b = Scratch.atLeast(scratch.b, padded(2 * half));
    read(x, row, values);
    read(table, position, turn);
    for (int head = 0; head < cols; head += headDim) {
      int d = 0;
      for (; d <= half - LANES; d += LANES) {
        FloatVector cos = FloatVector.fromArray(FLOATS, turn, d);
        FloatVector sin = FloatVector.fromArray(FLOATS, turn, half + d);
        FloatVector a = FloatVector.fromArray(FLOATS, values, head + d);
        FloatVector b = FloatVector.fromArray(FLOATS, values, head + half + d);
        a.mul(cos).sub(b.mul(sin)).intoArray(values, head + d);
        b.mul(cos).add(a.mul(sin)).intoArray(values, head + half + d);
      }
      for (; d < half; d++) {
        float a = values[head + d];
        float b = values[head + half + d];
        values[head + d] = a * turn[d] - b * turn[half + d];
        values[head + half + d] = b * turn[d] + a * turn[half + d];
      }
    }
    write(values, out, row);
  }

  static void normalize(Tensor x, Tensor out, int row, Scratch scratch) {
    int padded = padded((int) x.cols());
    float[] values = scratch.a = Scratch.atLeast(scratch.a, padded);
    read(x, row, values);
    double squares = 0; // a float would overflow or vanish where the length does not
    for (int i = 0; i < padded; i++) {
      squares += (double) values[i] * values[i];
    }
    double length = Math.max(Math.sqrt(squares), 1e-12);
    for (int i = 0; i < padded; i++) {
      values[i] = (float) (values[i] / length);
    }
    write(values, out, row);
  }

  static void pool(
      Tensor x, Pooling pooling, int[] offsets, int sequence, Tensor out, Scratch scratch) {
    int from = offsets[sequence];
    int to = offsets[sequence + 1];
    int tokens = to - from;
    float[] result = scratch.a = Scratch.atLeast(scratch.a, padded((int) x.cols()));
    switch (pooling) {
      case CLS -> read(x, from, result);
      case LAST_TOKEN -> read(x, to - 1, result);
      case MAX -> largest(x, from, to, result, scratch);
      case MEAN -> weightedSum(x, from, to, 1f / tokens, 0, result, scratch);
      case MEAN_SQRT_LEN ->
          weightedSum(x, from, to, (float) (1 / Math.sqrt(tokens)), 0, result, scratch);
      case WEIGHTED_MEAN -> {
        float unit = 2f / (tokens * (tokens + 1f));
        weightedSum(x, from, to, unit, unit, result, scratch);
      }
    }
    write(result, out, sequence);
  }

  /** Sum of the rows, each times a weight that grows by {@code step}. */
  private static void weightedSum(
      Tensor x, int from, int to, float weight, float step, float[] sum, Scratch scratch) {
    int padded = padded((int) x.cols());
    float[] token = scratch.b = Scratch.atLeast(scratch.b, padded);
    Arrays.fill(sum, 0, padded, 0);
    for (int t = from; t < to; t++) {
      read(x, t, token);
      FloatVector factor = FloatVector.broadcast(FLOATS, weight + (t - from) * step);
      for (int i = 0; i < padded; i += LANES) {
        FloatVector.fromArray(FLOATS, token, i)
            .fma(factor, FloatVector.fromArray(FLOATS, sum, i))
            .intoArray(sum, i);
      }
    }
  }

  private static void largest(Tensor x, int from, int to, float[] result, Scratch scratch) {
    int padded = padded((int) x.cols());
    float[] token = scratch.b = Scratch.atLeast(scratch.b, padded);
    read(x, from, result);
    for (int t = from + 1; t < to; t++) {
      read(x, t, token);
      for (int i = 0; i < padded; i += LANES) {
        FloatVector.fromArray(FLOATS, token, i)
            .max(FloatVector.fromArray(FLOATS, result, i))
            .intoArray(result, i);
      }
    }
  }
}
