package dev.hone.tensor.kernel.x86;

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
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.panels.Panels;
import dev.hone.tensor.kernel.panels.WidenedPanels;
import dev.hone.tensor.parallel.ComputePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The assembled tier. What has no kernel of its own yet goes to the tier below. */
public final class X86Kernels implements Kernels {
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
  public PackedMatrix pack(Tensor weight, Input input, Arena arena) {
    Shapes.checkPack(weight);
    int columns = code.product().columns();
    if (input != Input.FLOAT && DotPanels.fits(weight)) {
      int unit = code.integerProduct().form().unit();
      return DotPanels.pack(weight, input, columns, unit, arena, pool);
    }
    return RoundedInput.of(WidenedPanels.pack(weight, columns, arena, pool), input);
  }

  @Override
  public void linear(Tensor x, PackedMatrix weight, Tensor bias, Activation activation, Tensor y) {
    Shapes.checkLinear(x, weight, bias, y);
    if (weight instanceof RoundedInput rounded) {
      linear(rounded.round(x, pool), rounded.matrix(), bias, activation, y);
    } else {
      new X86Linear(x, (Panels) weight, bias, activation, y, code).run(pool);
    }
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
    if (X86Attention.fits(shape, keys, bias)) {
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
    below.rmsNorm(x, residual, weight, shift, epsilon, out);
  }

  @Override
  public void gate(Tensor gate, Tensor up, Activation activation, Tensor out) {
    below.gate(gate, up, activation, out);
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
    below.layerNorm(x, residual, weight, bias, epsilon, out);
  }

  @Override
  public void embed(Tensor table, int[] rows, boolean add, Tensor out) {
    below.embed(table, rows, add, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    below.add(a, b, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    Shapes.checkSame(x, out);
    if (out != x) {
      MemorySegment.copy(x.data(), 0, out.data(), 0, x.data().byteSize());
    }
    if (activation != Activation.NONE) {
      int rows = (int) out.rows();
      long rowBytes = out.cols() * Float.BYTES;
      pool.run(
          rows,
          row ->
              code.activation(activation)
                  .run(out.data().asSlice(row * rowBytes, rowBytes), out.cols()));
    }
  }

  @Override
  public void pool(Tensor x, Pooling pooling, int[] offsets, Tensor out) {
    below.pool(x, pooling, offsets, out);
  }

  @Override
  public void normalize(Tensor x, Tensor out) {
    below.normalize(x, out);
  }
}
