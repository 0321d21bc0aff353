package dev.hone.tensor.kernel.scalar;

import static dev.hone.tensor.Tensor.FLOAT;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.kernel.RoundedInput;
import dev.hone.tensor.kernel.Shapes;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What every kernel computes, written to be read; faster tiers are checked against it. */
public final class ScalarKernels implements Kernels {
  private final ComputePool pool;

  public ScalarKernels(ComputePool pool) {
    this.pool = pool;
  }

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public ComputePool pool() {
    return pool;
  }

  @Override
  public Kernels alone() {
    return new ScalarKernels(new ComputePool(1));
  }

  /** The weight as it is: rows are decoded when they are needed. */
  private record AsItIs(Tensor weight) implements PackedMatrix {
    @Override
    public int rows() {
      return (int) weight.rows();
    }

    @Override
    public int cols() {
      return (int) weight.cols();
    }

    @Override
    public long packedBytes() {
      return 0;
    }
  }

  @Override
  public PackedMatrix pack(Tensor weight, Input input, Arena arena) {
    Shapes.checkPack(weight);
    return RoundedInput.of(new AsItIs(weight), input);
  }

  @Override
  public void linear(Tensor x, PackedMatrix weight, Tensor bias, Activation activation, Tensor y) {
    Shapes.checkLinear(x, weight, bias, y);
    if (weight instanceof RoundedInput(PackedMatrix matrix, Input input)) {
      try (Arena arena = Arena.ofShared()) {
        linear(RoundedInput.round(x, input, arena, pool), matrix, bias, activation, y);
      }
      return;
    }
    Tensor w = ((AsItIs) weight).weight;
    int cols = weight.cols();
    pool.run(
        weight.rows(),
        n -> {
          float[] row = new float[cols];
          Layouts.decode(w, n, row);
          for (long t = 0; t < x.rows(); t++) {
            double sum = bias == null ? 0 : bias.get(0, n);
            for (int k = 0; k < cols; k++) {
              sum += (double) row[k] * x.get(t, k);
            }
            set(y, t, n, ScalarFunctions.activate(activation, sum));
          }
        });
  }

  @Override
  public void attention(
      Tensor q,
      int[] offsets,
      KeyValues keys,
      AttentionShape shape,
      AttentionMask mask,
      Tensor bias,
      Tensor out) {
    Shapes.checkAttention(q, offsets, keys, shape, bias, out);
    int heads = shape.heads();
    pool.run(
        (offsets.length - 1) * heads,
        task -> {
          int sequence = task / heads;
          for (int t = offsets[sequence]; t < offsets[sequence + 1]; t++) {
            int position = keys.count(sequence) - (offsets[sequence + 1] - t);
            attend(q, keys, shape, mask, bias, task % heads, t, sequence, position, out);
          }
        });
  }

  /** One head of one token, which stands at the key {@code position} of its sequence. */
  private static void attend(
      Tensor q,
      KeyValues keys,
      AttentionShape shape,
      AttentionMask mask,
      Tensor bias,
      int head,
      int t,
      int sequence,
      int position,
      Tensor out) {
    int dim = shape.headDim();
    int queryAt = head * dim;
    int keyAt = head / (shape.heads() / shape.kvHeads()) * dim;
    int from = mask.first(position);
    int to = mask.end(position, keys.count(sequence));
    double[] scores = new double[to - from];
    float[] row = new float[shape.kvHeads() * dim];
    double max = Double.NEGATIVE_INFINITY;
    for (int j = from; j < to; j++) {
      Layouts.decode(keys.keys(sequence, j), keys.row(sequence, j), row);
      double dot = 0;
      for (int d = 0; d < dim; d++) {
        dot += (double) q.get(t, queryAt + d) * row[keyAt + d];
      }
      double score = dot * shape.scale();
      if (shape.softCap() > 0) {
        score = shape.softCap() * Math.tanh(score / shape.softCap());
      }
      if (bias != null) {
        int furthest = (int) bias.cols() / 2;
        score += bias.get(head, furthest + Math.clamp(j - position, -furthest, furthest));
      }
      scores[j - from] = score;
      max = Math.max(max, score);
    }
    double sum = 0;
    for (int j = 0; j < scores.length; j++) {
      scores[j] = Math.exp(scores[j] - max);
      sum += scores[j];
    }
    double[] mixed = new double[dim];
    for (int j = from; j < to; j++) {
      Layouts.decode(keys.values(sequence, j), keys.row(sequence, j), row);
      for (int d = 0; d < dim; d++) {
        mixed[d] += scores[j - from] * row[keyAt + d];
      }
    }
    for (int d = 0; d < dim; d++) {
      set(out, t, queryAt + d, mixed[d] / sum);
    }
  }

  @Override
  public void rope(Tensor x, Tensor table, int[] positions, int headDim, Tensor out) {
    Shapes.checkRope(x, table, positions, headDim, out);
    int half = (int) table.cols() / 2;
    for (int t = 0; t < positions.length; t++) {
      for (int head = 0; head < x.cols(); head += headDim) {
        for (int d = 0; d < half; d++) {
          double cos = table.get(positions[t], d);
          double sin = table.get(positions[t], half + d);
          double a = x.get(t, head + d);
          double b = x.get(t, head + half + d);
          set(out, t, head + d, a * cos - b * sin);
          set(out, t, head + half + d, b * cos + a * sin);
        }
        for (int d = 2 * half; d < headDim; d++) {
          set(out, t, head + d, x.get(t, head + d));
        }
      }
    }
  }

  @Override
  public void layerNorm(
      Tensor x, Tensor residual, Tensor weight, Tensor bias, float epsilon, Tensor out) {
    Shapes.checkLayerNorm(x, residual, weight, bias, out);
    int cols = (int) x.cols();
    double[] row = new double[cols];
    for (long t = 0; t < x.rows(); t++) {
      double mean = 0;
      for (int d = 0; d < cols; d++) {
        row[d] = x.get(t, d) + (residual == null ? 0 : (double) residual.get(t, d));
        mean += row[d] / cols;
      }
      double variance = 0;
      for (int d = 0; d < cols; d++) {
        variance += (row[d] - mean) * (row[d] - mean) / cols;
      }
      double factor = 1 / Math.sqrt(variance + epsilon);
      for (int d = 0; d < cols; d++) {
        double shift = bias == null ? 0 : bias.get(0, d);
        set(out, t, d, (row[d] - mean) * factor * weight.get(0, d) + shift);
      }
    }
  }

  @Override
  public void rmsNorm(
      Tensor x, Tensor residual, Tensor weight, float shift, float epsilon, Tensor out) {
    Shapes.checkLayerNorm(x, residual, weight, null, out);
    int cols = (int) x.cols();
    double[] row = new double[cols];
    for (long t = 0; t < x.rows(); t++) {
      double squares = 0;
      for (int d = 0; d < cols; d++) {
        row[d] = x.get(t, d) + (residual == null ? 0 : (double) residual.get(t, d));
        squares += row[d] * row[d] / cols;
      }
      double factor = 1 / Math.sqrt(squares + epsilon);
      for (int d = 0; d < cols; d++) {
        set(out, t, d, row[d] * factor * ((double) weight.get(0, d) + shift));
      }
    }
  }

  @Override
  public void embed(Tensor table, int[] rows, boolean add, Tensor out) {
    Shapes.checkEmbed(table, rows, out);
    float[] row = new float[(int) table.cols()];
    for (int t = 0; t < rows.length; t++) {
      Layouts.decode(table, rows[t], row);
      for (int d = 0; d < row.length; d++) {
        set(out, t, d, add ? out.get(t, d) + row[d] : row[d]);
      }
    }
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    Shapes.checkSame(a, b);
    Shapes.checkSame(a, out);
    for (long t = 0; t < a.rows(); t++) {
      for (long d = 0; d < a.cols(); d++) {
        set(out, t, d, a.get(t, d) + b.get(t, d));
      }
    }
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    Shapes.checkSame(x, out);
    for (long t = 0; t < x.rows(); t++) {
      for (long d = 0; d < x.cols(); d++) {
        set(out, t, d, ScalarFunctions.activate(activation, x.get(t, d)));
      }
    }
  }

  @Override
  public void gate(Tensor gate, Tensor up, Activation activation, Tensor out) {
    Shapes.checkSame(gate, up);
    Shapes.checkSame(gate, out);
    for (long t = 0; t < gate.rows(); t++) {
      for (long d = 0; d < gate.cols(); d++) {
        set(out, t, d, ScalarFunctions.activate(activation, gate.get(t, d)) * up.get(t, d));
      }
    }
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    Shapes.checkSame(x, out);
    for (long t = 0; t < x.rows(); t++) {
      for (long d = 0; d < x.cols(); d++) {
        set(out, t, d, (double) factor * x.get(t, d));
      }
    }
  }

  @Override
  public void softCap(Tensor x, float cap, Tensor out) {
    Shapes.checkSame(x, out);
    for (long t = 0; t < x.rows(); t++) {
      for (long d = 0; d < x.cols(); d++) {
        set(out, t, d, cap * Math.tanh((double) x.get(t, d) / cap));
      }
    }
  }

  @Override
  public void addRows(Tensor x, float[] factors, int[] rows, Tensor out) {
    Shapes.checkAddRows(x, factors, rows, out);
    for (int i = 0; i < rows.length; i++) {
      for (long d = 0; d < x.cols(); d++) {
        set(out, rows[i], d, out.get(rows[i], d) + (double) factors[i] * x.get(i, d));
      }
    }
  }

  @Override
  public void pool(Tensor x, Pooling pooling, int[] offsets, Tensor out) {
    Shapes.checkPool(x, offsets, out);
    for (int s = 0; s + 1 < offsets.length; s++) {
      for (long d = 0; d < x.cols(); d++) {
        set(out, s, d, pooled(x, pooling, offsets[s], offsets[s + 1], d));
      }
    }
  }

  private static double pooled(Tensor x, Pooling pooling, int from, int to, long d) {
    int tokens = to - from;
    double sum = 0;
    double weighted = 0;
    double max = Double.NEGATIVE_INFINITY;
    for (int t = from; t < to; t++) {
      sum += x.get(t, d);
      weighted += x.get(t, d) * (double) (t - from + 1);
      max = Math.max(max, x.get(t, d));
    }
    return switch (pooling) {
      case CLS -> x.get(from, d);
      case MEAN -> sum / tokens;
      case MAX -> max;
      case MEAN_SQRT_LEN -> sum / Math.sqrt(tokens);
      case WEIGHTED_MEAN -> weighted / (tokens * (tokens + 1.0) / 2);
      case LAST_TOKEN -> x.get(to - 1, d);
    };
  }

  @Override
  public void normalize(Tensor x, Tensor out) {
    Shapes.checkSame(x, out);
    for (long t = 0; t < x.rows(); t++) {
      double squares = 0;
      for (long d = 0; d < x.cols(); d++) {
        squares += (double) x.get(t, d) * x.get(t, d);
      }
      double length = Math.max(Math.sqrt(squares), 1e-12);
      for (long d = 0; d < x.cols(); d++) {
        set(out, t, d, x.get(t, d) / length);
      }
    }
  }

  private static void set(Tensor tensor, long row, long col, double value) {
    MemorySegment data = tensor.data();
    data.set(FLOAT, (row * tensor.cols() + col) * 4, (float) value);
  }
}
