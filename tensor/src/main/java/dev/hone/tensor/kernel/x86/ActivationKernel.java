package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.Activation;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * An activation on numbers in place, within 1e-6 of the exact function (relative to the result
 * where that is greater than one): four vectors at a time, then one, then what is left under a
 * mask.
 */
final class ActivationKernel {
  private static final MethodHandle CALL = CodeMemory.caller(2);

  private final MemorySegment code;

  ActivationKernel(Activation activation) {
    code = CodeMemory.install(assemble(activation));
  }

  /** Applies it to the first {@code count} floats. */
  void run(MemorySegment x, long count) {
    if (count == 0) {
      return;
    }
    Segments.require(x, 1, 0, count * Float.BYTES);
    try {
      CALL.invokeExact(code, address(x), count);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(Activation activation) {
    return new Writer().write(activation);
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

    private final Gpr at = registers.argument("at");
    private final Gpr count = registers.argument("count");
    private final Gpr masks = registers.gpr("masks");
    private final Vec zero = registers.vec("zero");
    private final Vec mask = registers.vec("mask");

    Assembly write(Activation activation) {
      Label rest = new Label();
      Label tail = new Label();
      Label end = new Label();
      int four = SIDE_BY_SIDE * WIDTH.floats();
      begin();
      asm.vxorps(zero, zero, zero);
      asm.sub(count, four);
      asm.jl(rest);
      Label loop = asm.here();
      apply(activation, SIDE_BY_SIDE, false);
      asm.add(at, four * Float.BYTES);
      asm.sub(count, four);
      asm.jge(loop);
      asm.bind(rest);
      asm.add(count, four - WIDTH.floats());
      asm.jl(tail);
      Label one = asm.here();
      apply(activation, 1, false);
      asm.add(at, WIDTH.bytes());
      asm.sub(count, WIDTH.floats());
      asm.jge(one);
      asm.bind(tail);
      asm.add(count, WIDTH.floats());
      asm.je(end);
      // as many numbers marked as are left: from the table's middle backwards
      asm.lea(masks, asm.constant(Masks.table(WIDTH)));
      asm.shl(count, 2);
      asm.neg(count);
      asm.vmovups(mask, Memory.at(masks, count, 1, WIDTH.bytes()));
      apply(activation, 1, true);
      asm.bind(end);
      return end("activation-" + activation.name().toLowerCase(java.util.Locale.ROOT));
    }

    private void apply(Activation activation, int n, boolean masked) {
      for (int i = 0; i < n; i++) {
        load(x[i], i, masked);
      }
      switch (activation) {
        case NONE -> throw new IllegalArgumentException("nothing to apply");
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
        Memory to = Memory.at(at, i * WIDTH.bytes());
        if (masked) {
          asm.vmaskmovps(to, mask, x[i]);
        } else {
          asm.vmovups(to, x[i]);
        }
      }
    }

    private void load(Vec to, int i, boolean masked) {
      Memory from = Memory.at(at, i * WIDTH.bytes());
      if (masked) {
        asm.vmaskmovps(to, mask, from);
      } else {
        asm.vmovups(to, from);
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
        load(x[i], i, masked);
        asm.vaddps(p[i], p[i], constant);
        asm.vdivps(x[i], x[i], p[i]);
      }
    }
  }
}
