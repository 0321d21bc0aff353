package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.Activation;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * An activation of rows, within 1e-6 of the exact function (relative to the result where that is
 * greater than one); gated, what it gives times another row: four of the widest vectors at a time,
 * then one of 256 bits, then what is left under a mask.
 */
final class ActivationKernel {
  /**
   * What is computed.
   *
   * @param gated whether the activation is multiplied with a row of factors
   */
  record Form(Activation activation, boolean gated) {
    private String label(Width width) {
      String name = activation.name().toLowerCase(Locale.ROOT);
      return (gated ? "gate-" : "activation-") + name + "-" + width.floats();
    }
  }

  private final Form form;
  private final MemorySegment code;

  ActivationKernel(Form form, Width width) {
    this.form = form;
    code = CodeMemory.install(assemble(form, width));
  }

  Form form() {
    return form;
  }

  /**
   * @param in [rows][count], {@code inStride} bytes apart
   * @param factors [rows][count], {@code inStride} bytes apart; not read where the form has none
   * @param out [rows][count], {@code outStride} bytes apart; it may be in or factors
   */
  void run(
      MemorySegment in,
      long inStride,
      MemorySegment factors,
      MemorySegment out,
      long outStride,
      long rows,
      long count) {
    if (rows <= 0 || count <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", count=" + count);
    }
    Segments.require(in, rows, inStride, count * Float.BYTES);
    Segments.require(out, rows, outStride, count * Float.BYTES);
    if (form.gated()) {
      Segments.require(factors, rows, inStride, count * Float.BYTES);
    }
    long toFactors = form.gated() ? address(factors) - address(in) : 0;
    CodeMemory.call(code, address(in), address(out), count, inStride, outStride, rows, toFactors);
  }

  static Assembly assemble(Form form, Width width) {
    return new Writer(form, width).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer extends FunctionWriter {
    private static final float SQRT_2_OVER_PI = 0.797884561f;

    /** Up to |x| = {@value}, Φ(-|x|) is a polynomial; beyond, it is zero. */
    private static final float GELU_END = 5.25f;

    /** Φ(-|x|) in t = 2 |x| / GELU_END - 1, with the least error of |x| Φ(-|x|): 6e-7. */
    private static final float[] GELU_TAIL = {
      0.0066733630f, -0.0197905377f, -0.0057753474f, 0.0774812028f, -0.0679931715f,
      -0.0834169537f, 0.1973823160f, -0.1012805477f, -0.1209044680f, 0.2576091886f,
      -0.2259680033f, 0.1150504947f, -0.0334002376f, 0.0043326602f
    };

    private final Form form;
    private final Gpr in = registers.argument("in");
    private final Gpr out = registers.argument("out");
    private final Gpr count = registers.argument("count");
    private final Gpr inStride = registers.argument("stride of in");
    private final Gpr outStride = registers.argument("stride of out");
    private final Gpr rows = registers.argument("rows");
    private final Gpr at = registers.gpr("at");
    private final Gpr to = registers.gpr("to");
    private final Gpr left = registers.gpr("left");
    private final Gpr toFactors = registers.gpr("from in to factors");
    private final Gpr masks = registers.gpr("masks");
    private final Vec mask = narrow(registers.vec("mask"))[0];
    private final Width widest;
    private Vec zero = registers.vec("zero");

    Writer(Form form, Width width) {
      super(width);
      this.form = form;
      this.widest = width;
    }

    Assembly write() {
      Label end = new Label();
      begin();
      asm.mov(toFactors, Assembler.stackArgument(registers, Registers.ARGUMENTS.size()));
      asm.lea(masks, asm.constant(Masks.table(WIDTH)));
      asm.vxorps(zero, zero, zero);
      Label row = asm.here();
      asm.mov(at, in);
      asm.mov(to, out);
      asm.mov(left, count);
      vectors(SIDE_BY_SIDE, widest);
      narrow();
      zero = narrow(zero)[0];
      vectors(1, WIDTH);
      asm.test(left, left);
      asm.je(end);
      // as many numbers marked as are left: from the table's middle backwards
      asm.shl(left, 2);
      asm.neg(left);
      asm.vmovups(mask, Memory.at(masks, left, 1, WIDTH.bytes()));
      apply(1, true);
      asm.bind(end);
      asm.add(in, inStride);
      asm.add(out, outStride);
      asm.sub(rows, 1);
      asm.jne(row);
      return end(form.label(widest));
    }

    /** So many vectors at a time, as long as there are as many. */
    private void vectors(int n, Width width) {
      int floats = n * width.floats();
      Label done = new Label();
      asm.sub(left, floats);
      asm.jl(done);
      Label loop = asm.here();
      apply(n, false);
      asm.add(at, floats * Float.BYTES);
      asm.add(to, floats * Float.BYTES);
      asm.sub(left, floats);
      asm.jge(loop);
      asm.bind(done);
      asm.add(left, floats);
    }

    private void apply(int n, boolean masked) {
      for (int i = 0; i < n; i++) {
        load(x[i], Memory.at(at, i * x[i].width().bytes()), masked);
      }
      switch (form.activation()) {
        case NONE -> {}
        case RELU -> {
          for (int i = 0; i < n; i++) {
            asm.vmaxps(x[i], zero, x[i]);
          }
        }
        case GELU -> gelu(n);
        case GELU_TANH -> geluTanh(n, masked);
        case TANH -> tanh(n);
        case SILU -> silu(n, masked);
      }
      for (int i = 0; i < n; i++) {
        int bytes = i * x[i].width().bytes();
        if (form.gated()) {
          load(t[i], Memory.at(at, toFactors, 1, bytes), masked);
          asm.vmulps(x[i], x[i], t[i]);
        }
        if (masked) {
          asm.vmaskmovps(Memory.at(to, bytes), mask, x[i]);
        } else {
          asm.vmovups(Memory.at(to, bytes), x[i]);
        }
      }
    }

    private void load(Vec vec, Memory from, boolean masked) {
      if (masked) {
        asm.vmaskmovps(vec, mask, from);
      } else {
        asm.vmovups(vec, from);
      }
    }

    /** {@code x Φ(x) = max(x, 0) - |x| Φ(-|x|)}, where nothing cancels. */
    private void gelu(int n) {
      size(n);
      load(constant, 2 / GELU_END);
      for (int i = 0; i < n; i++) {
        asm.vmulps(t[i], t[i], constant);
      }
      load(constant, -1);
      for (int i = 0; i < n; i++) {
        asm.vaddps(t[i], t[i], constant);
      }
      polynomial(GELU_TAIL, n, t);
      size(n);
      for (int i = 0; i < n; i++) {
        asm.vmulps(p[i], p[i], t[i]);
        asm.vmaxps(x[i], zero, x[i]);
        asm.vsubps(x[i], x[i], p[i]);
      }
    }

    /** {@code t = min(|x|, GELU_END)}. */
    private void size(int n) {
      load(constant, Float.intBitsToFloat(Integer.MAX_VALUE)); // all but the sign
      for (int i = 0; i < n; i++) {
        asm.vandps(t[i], x[i], constant);
      }
      load(constant, GELU_END);
      for (int i = 0; i < n; i++) {
        asm.vminps(t[i], constant, t[i]);
      }
    }

    /** {@code x / (1 + exp(-2 sqrt(2 / π) (x + 0.044715 x³)))}. */
    private void geluTanh(int n, boolean masked) {
      for (int i = 0; i < n; i++) {
        asm.vmulps(t[i], x[i], x[i]);
      }
      load(constant, 0.044715f * -2 * SQRT_2_OVER_PI);
      for (int i = 0; i < n; i++) {
        asm.vmulps(t[i], t[i], constant);
      }
      load(constant, -2 * SQRT_2_OVER_PI);
      for (int i = 0; i < n; i++) {
        asm.vaddps(t[i], t[i], constant);
        asm.vmulps(x[i], x[i], t[i]);
      }
      exp(n);
      divideInput(n, masked);
    }

    /** {@code 1 - 2 / (exp(2 x) + 1)}. */
    private void tanh(int n) {
      for (int i = 0; i < n; i++) {
        asm.vaddps(x[i], x[i], x[i]);
      }
      exp(n);
      load(constant, 1);
      for (int i = 0; i < n; i++) {
        asm.vaddps(p[i], p[i], constant);
      }
      load(constant, 2);
      for (int i = 0; i < n; i++) {
        asm.vdivps(p[i], constant, p[i]);
      }
      load(constant, 1);
      for (int i = 0; i < n; i++) {
        asm.vsubps(x[i], constant, p[i]);
      }
    }

    /** {@code x / (1 + exp(-x))}. */
    private void silu(int n, boolean masked) {
      for (int i = 0; i < n; i++) {
        asm.vsubps(x[i], zero, x[i]);
      }
      exp(n);
      divideInput(n, masked);
    }

    /** {@code x = input / (1 + p)}. */
    private void divideInput(int n, boolean masked) {
      load(constant, 1);
      for (int i = 0; i < n; i++) {
        load(x[i], Memory.at(at, i * x[i].width().bytes()), masked);
        asm.vaddps(p[i], p[i], constant);
        asm.vdivps(x[i], x[i], p[i]);
      }
    }
  }
}
