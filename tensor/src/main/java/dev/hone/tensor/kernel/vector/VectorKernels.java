package dev.hone.tensor.kernel.vector;

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
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.layout.Layouts;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The portable fast tier: the Vector API at the width that the processor prefers. */
public final class VectorKernels implements Kernels {
  /** Numbers of a task of the element-wise kernels: some ten microseconds. */
  private static final int CHUNK = 16 * 1024;

  private final ComputePool pool;
  private final Scratch.Shelf shelf = new Scratch.Shelf();

  public VectorKernels(ComputePool pool) {
    this.pool = pool;
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public ComputePool pool() {
    return pool;
  }

  @Override
  public Kernels alone() {
    return new VectorKernels(new ComputePool(1));
  }

  @Override
  public PackedMatrix pack(Tensor weight, Input input, Arena arena) {
    Shapes.checkPack(weight);
    return RoundedInput.of(WidenedPanels.pack(weight, Vectors.PANEL, arena, pool), input);
  }

  @Override
  public boolean multipliesSparse(Tensor weight) {
    return SparsePanels.fits(weight.dtype());
  }

  @Override
  public PackedMatrix packSparse(Tensor weight, Arena arena) {
    Shapes.checkPack(weight);
    return SparsePanels.pack(weight, Vectors.PANEL, arena, pool);
  }

  @Override
  public void linear(Tensor x, PackedMatrix weight, Tensor bias, Activation activation, Tensor y) {
    Shapes.checkLinear(x, weight, bias, y);
    PackedMatrix matrix = RoundedInput.matrixOf(weight);
    Input input = RoundedInput.inputOf(weight);
    new VectorLinear(x, input, (WidenedPanels) matrix, bias, activation, y, shelf).run(pool);
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
    new VectorAttention(q, offsets, keys, shape, mask, bias, out, shelf).run(pool);
  }

  @Override
  public void rope(Tensor x, Tensor table, int[] positions, int headDim, Tensor out) {
    Shapes.checkRope(x, table, positions, headDim, out);
    byRows(x, (row, scratch) -> Rows.rope(x, table, positions[row], headDim, out, row, scratch));
  }

  @Override
  public void layerNorm(
      Tensor x, Tensor residual, Tensor weight, Tensor bias, float epsilon, Tensor out) {
    Shapes.checkLayerNorm(x, residual, weight, bias, out);
    byRows(
        x, (row, scratch) -> Rows.layerNorm(x, residual, weight, bias, epsilon, out, row, scratch));
  }

  @Override
  public void rmsNorm(
      Tensor x, Tensor residual, Tensor weight, float shift, float epsilon, Tensor out) {
    Shapes.checkLayerNorm(x, residual, weight, null, out);
    byRows(
        x, (row, scratch) -> Rows.rmsNorm(x, residual, weight, shift, epsilon, out, row, scratch));
  }

  @Override
  public void embed(Tensor table, int[] rows, boolean add, Tensor out) {
    Shapes.checkEmbed(table, rows, out);
    int cols = (int) table.cols();
    byRows(
        out,
        (row, scratch) -> {
          float[] entry = scratch.a = Scratch.atLeast(scratch.a, Rows.padded(cols));
          Layouts.decode(table, rows[row], entry);
          if (add) {
            Rows.add(entry, out, row, scratch);
          }
          MemorySegment.copy(entry, 0, out.data(), Tensor.FLOAT, 4L * row * cols, cols);
        });
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    Shapes.checkSame(a, b);
    Shapes.checkSame(a, out);
    int cols = (int) a.cols();
    byRows(
        a,
        (row, scratch) -> {
          float[] sum = scratch.a = Scratch.atLeast(scratch.a, Rows.padded(cols));
          MemorySegment.copy(a.data(), Tensor.FLOAT, 4L * row * cols, sum, 0, cols);
          Rows.add(sum, b, row, scratch);
          MemorySegment.copy(sum, 0, out.data(), Tensor.FLOAT, 4L * row * cols, cols);
        });
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    Shapes.checkSame(x, out);
    int cols = (int) x.cols();
    byRows(
        x,
        (row, scratch) -> {
          float[] values = scratch.a = Scratch.atLeast(scratch.a, Rows.padded(cols));
          MemorySegment.copy(x.data(), Tensor.FLOAT, 4L * row * cols, values, 0, cols);
          Activations.apply(activation, values, Rows.padded(cols));
          MemorySegment.copy(values, 0, out.data(), Tensor.FLOAT, 4L * row * cols, cols);
        });
  }

  @Override
  public void gate(Tensor gate, Tensor up, Activation activation, Tensor out) {
    Shapes.checkSame(gate, up);
    Shapes.checkSame(gate, out);
    byRows(gate, (row, scratch) -> Rows.gate(gate, up, activation, out, row, scratch));
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    Shapes.checkSame(x, out);
    byRows(x, (row, scratch) -> Rows.scale(x, factor, out, row, scratch));
  }

  @Override
  public void softCap(Tensor x, float cap, Tensor out) {
    Shapes.checkSame(x, out);
    byRows(x, (row, scratch) -> Rows.softCap(x, cap, out, row, scratch));
  }

  @Override
  public void addRows(Tensor x, float[] factors, int[] rows, Tensor out) {
    Shapes.checkAddRows(x, factors, rows, out);
    byRows(x, (row, scratch) -> Rows.addTo(out, rows[row], x, factors[row], row, scratch));
  }

  @Override
  public void pool(Tensor x, Pooling pooling, int[] offsets, Tensor out) {
    Shapes.checkPool(x, offsets, out);
    byRows(out, (sequence, scratch) -> Rows.pool(x, pooling, offsets, sequence, out, scratch));
  }

  @Override
  public void normalize(Tensor x, Tensor out) {
    Shapes.checkSame(x, out);
    byRows(x, (row, scratch) -> Rows.normalize(x, out, row, scratch));
  }

  private interface RowTask {
    void run(int row, Scratch scratch);
  }

  /** Some rows a task; few numbers in all are not worth handing over. */
  private void byRows(Tensor shape, RowTask body) {
    int rows = (int) shape.rows();
    int each = Math.clamp(CHUNK / Math.max(1, shape.cols()), 1, Math.max(1, rows));
    pool.run(
        (rows + each - 1) / each,
        task -> {
          Scratch scratch = shelf.take();
          for (int row = task * each; row < Math.min(rows, (task + 1) * each); row++) {
            body.run(row, scratch);
          }
          shelf.putBack(scratch);
        });
  }
}
