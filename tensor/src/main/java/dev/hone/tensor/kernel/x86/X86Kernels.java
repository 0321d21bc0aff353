package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Activation;
import dev.hone.tensor.AttentionMask;
import dev.hone.tensor.AttentionShape;
import dev.hone.tensor.DType.Plain;
import dev.hone.tensor.Input;
import dev.hone.tensor.KeyValues;
import dev.hone.tensor.Pooling;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.Kernels;
import dev.hone.tensor.kernel.PackedMatrix;
import dev.hone.tensor.kernel.RoundedInput;
import dev.hone.tensor.kernel.Shapes;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.PairPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.SparsePanels;
import dev.hone.tensor.kernel.panels.TilePanels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.kernel.x86.CpuFeatures.Feature;
import dev.hone.tensor.kernel.x86.RowsKernel.Operation;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The assembled tier. What has no kernel of its own yet goes to the tier below. */
public final class X86Kernels implements Kernels {
  /** Numbers of a task of the kernels that go row by row: some microseconds. */
  private static final int CHUNK = 16 * 1024;

  private final X86Code code;
  private final Kernels below;
  private final ComputePool pool;

  /**
   * @param below runs what is not assembled
   * @throws IllegalStateException where this tier cannot run
   */
  public X86Kernels(ComputePool pool, Kernels below) {
    X86Code.Attempt attempt = X86Code.here();
    if (attempt.code() == null) {
      throw new IllegalStateException("no assembled kernels: " + attempt.reason());
    }
    this.code = attempt.code();
    this.below = below;
    this.pool = pool;
  }

  /** Whether this tier can run here, and why. */
  public record Availability(boolean available, String reason) {}

  /** Assembles the kernels, the first time it is asked. */
  public static Availability availability() {
    X86Code.Attempt attempt = X86Code.here();
    return new Availability(attempt.code() != null, attempt.reason());
  }

  @Override
  public String name() {
    return "assembled";
  }

  @Override
  public ComputePool pool() {
    return pool;
  }

  @Override
  public Kernels alone() {
    return new X86Kernels(new ComputePool(1), below.alone());
  }

  @Override
  public PackedMatrix pack(Tensor weight, Input input, Arena arena) {
    Shapes.checkPack(weight);
    if (input.equals(Input.BLOCK_INT8) && multipliesBlocks(weight)) {
      return code.blocks().pack(weight, arena, pool);
    }
    if (input.ofRows() && DotPanels.fits(weight)) {
      return DotPanels.pack(weight, input, code.dotOrder(), arena, pool);
    }
    if (code.hasPairs() && TilePanels.rounds(weight.dtype(), input)) {
      return PairPanels.pack(weight, code.product().columns(), arena, pool);
    }
    Panels floats =
        code.hasTiles() && TilePanels.fits(weight)
            ? TilePanels.pack(weight, input, arena, pool)
            : WidenedPanels.pack(weight, code.product().columns(), arena, pool);
    boolean rounds = floats instanceof TilePanels tiles && tiles.rounded();
    return rounds ? floats : RoundedInput.of(floats, input);
  }

  @Override
  public boolean multipliesBlocks(Tensor weight) {
    return BlockPanels.fits(weight);
  }

  @Override
  public boolean multipliesBf16() {
    return code.hasTiles() || code.hasPairs();
  }

  /** Numbers are put at their places by an instruction that AVX2 lacks. */
  @Override
  public boolean multipliesSparse(Tensor weight) {
    return code.has(Feature.AVX512) && SparsePanels.fits(weight.dtype());
  }

  @Override
  public PackedMatrix packSparse(Tensor weight, Arena arena) {
    Shapes.checkPack(weight);
    int columns =
        code.hasTiles() && TiledSparseProduct.fits(weight)
            ? AmxForm.COLUMNS
            : code.product().columns();
    return SparsePanels.pack(weight, columns, arena, pool);
  }

  @Override
  public void linear(Tensor x, PackedMatrix weight, Tensor bias, Activation activation, Tensor y) {
    linear(x, List.of(new Product(weight, bias, activation, y)));
  }

  /** Those that follow each other and share what is made of x go together. */
  @Override
  public void linear(Tensor x, List<Product> products) {
    for (int from = 0, to; from < products.size(); from = to) {
      PackedMatrix first = products.get(from).weight();
      List<LinearPart> parts = new ArrayList<>();
      for (to = from; to < products.size() && shares(first, products.get(to).weight()); to++) {
        Product p = products.get(to);
        Shapes.checkLinear(x, p.weight(), p.bias(), p.y());
        parts.add(new LinearPart(panels(p.weight()), p.bias(), p.activation(), p.y()));
      }
      new X86Linear(x, RoundedInput.inputOf(first), parts, code).run(pool);
    }
  }

  private static Panels panels(PackedMatrix weight) {
    return (Panels) RoundedInput.matrixOf(weight);
  }

  private static boolean shares(PackedMatrix one, PackedMatrix other) {
    return PanelProduct.shares(panels(one), panels(other))
        && RoundedInput.inputOf(one).equals(RoundedInput.inputOf(other));
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
    if (X86Attention.fits(shape, bias)) {
      Shapes.checkAttention(q, offsets, keys, shape, bias, out);
      new X86Attention(q, offsets, keys, shape, mask, out, code).run(pool);
    } else {
      below.attention(q, offsets, keys, shape, mask, bias, out);
    }
  }

  @Override
  public void rope(Tensor x, Tensor table, int[] positions, int headDim, Tensor out) {
    below.rope(x, table, positions, headDim, out);
  }

  @Override
  public void rmsNorm(
      Tensor x, Tensor residual, Tensor weight, float shift, float epsilon, Tensor out) {
    Shapes.checkLayerNorm(x, residual, weight, null, out);
    norm(
        x,
        residual,
        weight,
        null,
        new NormKernel.Form(false, residual != null, false),
        shift,
        epsilon,
        out);
  }

  @Override
  public void gate(Tensor gate, Tensor up, Activation activation, Tensor out) {
    Shapes.checkSame(gate, up);
    Shapes.checkSame(gate, out);
    each(code.gate(activation), gate, up, out);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    below.scale(x, factor, out);
  }

  @Override
  public void softCap(Tensor x, float cap, Tensor out) {
    below.softCap(x, cap, out);
  }

  @Override
  public void addRows(Tensor x, float[] factors, int[] rows, Tensor out) {
    below.addRows(x, factors, rows, out);
  }

  @Override
  public void layerNorm(
      Tensor x, Tensor residual, Tensor weight, Tensor bias, float epsilon, Tensor out) {
    Shapes.checkLayerNorm(x, residual, weight, bias, out);
    norm(
        x,
        residual,
        weight,
        bias,
        new NormKernel.Form(true, residual != null, bias != null),
        0,
        epsilon,
        out);
  }

  @Override
  public void embed(Tensor table, int[] rows, boolean add, Tensor out) {
    Shapes.checkEmbed(table, rows, out);
    if (table.dtype() != Plain.F32 || table.cols() % RowsKernel.STEP != 0) {
      below.embed(table, rows, add, out);
      return;
    }
    long rowBytes = table.cols() * Float.BYTES;
    Operation operation = add ? Operation.ADD : Operation.COPY;
    byRows(
        out,
        (from, to) -> {
          for (int row = from, end; row < to; row = end) {
            int step = row + 1 < to ? Math.max(0, rows[row + 1] - rows[row]) : 0;
            end = row + 1;
            while (end < to && rows[end] - rows[end - 1] == step) {
              end++; // as positions do, and types: one call for all that are as far apart
            }
            MemorySegment in = rows(table, rows[row], rows[end - 1] + 1);
            MemorySegment sums = rows(out, row, end);
            code.rows()
                .run(operation, in, step * rowBytes, sums, rowBytes, end - row, table.cols());
          }
        });
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    Shapes.checkSame(a, b);
    Shapes.checkSame(a, out);
    if (a.cols() % RowsKernel.STEP != 0 || out.data().address() == b.data().address()) {
      below.add(a, b, out);
      return;
    }
    long rowBytes = a.cols() * Float.BYTES;
    byRows(
        out,
        (from, to) -> {
          MemorySegment sum = rows(out, from, to);
          if (out.data().address() != a.data().address()) {
            code.rows()
                .run(
                    Operation.COPY,
                    rows(a, from, to),
                    rowBytes,
                    sum,
                    rowBytes,
                    to - from,
                    a.cols());
          }
          code.rows()
              .run(Operation.ADD, rows(b, from, to), rowBytes, sum, rowBytes, to - from, a.cols());
        });
  }

  private void mean(Tensor x, int[] offsets, int sequence, MemorySegment out) {
    int first = offsets[sequence];
    int count = offsets[sequence + 1] - first;
    long rowBytes = x.cols() * Float.BYTES;
    RowsKernel kernel = code.rows();
    kernel.run(Operation.COPY, x.row(first), rowBytes, out, rowBytes, 1, x.cols());
    if (count > 1) {
      MemorySegment others = rows(x, first + 1, first + count);
      kernel.run(Operation.ADD, others, rowBytes, out, 0, count - 1, x.cols());
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment tokens = arena.allocateFrom(Tensor.FLOAT, count);
      kernel.run(Operation.DIVIDE, out, rowBytes, out, rowBytes, 1, x.cols(), tokens, 0);
    }
  }

  private void norm(
      Tensor x,
      Tensor residual,
      Tensor weight,
      Tensor bias,
      NormKernel.Form form,
      float shift,
      float epsilon,
      Tensor out) {
    NormKernel kernel = code.norm(form);
    MemorySegment none = MemorySegment.NULL;
    byRows(
        x,
        (from, to) ->
            kernel.run(
                rows(x, from, to),
                residual == null ? none : rows(residual, from, to),
                weight.data(),
                bias == null ? none : bias.data(),
                shift,
                epsilon,
                rows(out, from, to),
                to - from,
                x.cols()));
  }

  private interface RowsTask {
    void run(int from, int to);
  }

  /** Some rows a task; few numbers in all are not worth handing over. */
  private void byRows(Tensor shape, RowsTask body) {
    int rows = (int) shape.rows();
    int each = Math.clamp(CHUNK / Math.max(1, shape.cols()), 1, Math.max(1, rows));
    pool.run(
        (rows + each - 1) / each, task -> body.run(task * each, Math.min(rows, (task + 1) * each)));
  }

  private static MemorySegment rows(Tensor x, int from, int to) {
    long rowBytes = x.cols() * Float.BYTES;
    return x.data().asSlice(from * rowBytes, (to - from) * rowBytes);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    Shapes.checkSame(x, out);
    if (activation != Activation.NONE || out != x) {
      each(code.activation(activation), x, null, out);
    }
  }

  private void each(ActivationKernel kernel, Tensor x, Tensor factors, Tensor out) {
    long stride = x.cols() * Float.BYTES;
    byRows(
        x,
        (from, to) ->
            kernel.run(
                rows(x, from, to),
                stride,
                factors == null ? MemorySegment.NULL : rows(factors, from, to),
                rows(out, from, to),
                stride,
                to - from,
                x.cols()));
  }

  @Override
  public void pool(Tensor x, Pooling pooling, int[] offsets, Tensor out) {
    if (pooling != Pooling.MEAN || x.cols() % RowsKernel.STEP != 0) {
      below.pool(x, pooling, offsets, out);
      return;
    }
    Shapes.checkPool(x, offsets, out);
    pool.run(offsets.length - 1, sequence -> mean(x, offsets, sequence, out.row(sequence)));
  }

  @Override
  public void normalize(Tensor x, Tensor out) {
    below.normalize(x, out);
  }
}
