package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What kernels share that evaluate a function of every number; a field is a register. Four vectors
 * run side by side, because each step of a polynomial waits for the one before.
 *
 * <p>After {@link #narrow} the same registers hold vectors of 256 bits.
 */
abstract class FunctionWriter {
  static final Width WIDTH = Width.YMM;
  static final int SIDE_BY_SIDE = 4;

  private static final float LOG2_E = 1.44269504f;
  private static final float LN2 = 0.693147180f;

  /** Added and taken away again, it rounds to whole numbers, which then stand in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  /** Up to here neither e^x is infinite nor e^-x denormal. */
  private static final float MOST = 87;

  /** e^x = 2^n p(x - n ln 2), with the least relative error on [-ln2/2, ln2/2]: 8e-8. */
  private static final float[] EXP = {
    0.008297654800f, 0.041915383190f, 0.166675746441f,
    0.499988943338f, 0.999999701977f, 1.000000119209f
  };

  final Assembler asm = new Assembler();
  final Registers registers;

  /** Where the constants lie, once {@link #begin} has run. */
  final Gpr constants;

  Vec[] x;
  Vec[] t;
  Vec[] p;
  Vec constant;

  /** Of a constant in the table. */
  private final Width widest;

  /** In the order of their first use. */
  private final List<Float> values = new ArrayList<>();

  private final Label table = new Label();

  FunctionWriter(Width width) {
    widest = width;
    registers = new Registers(width);
    constants = registers.gpr("constants");
    x = registers.vecs("x", SIDE_BY_SIDE);
    t = registers.vecs("t", SIDE_BY_SIDE);
    p = registers.vecs("p", SIDE_BY_SIDE);
    constant = registers.vec("constant");
  }

  /** What is written next works on the lower 256 bits. */
  void narrow() {
    x = narrow(x);
    t = narrow(t);
    p = narrow(p);
    constant = narrow(constant)[0];
  }

  static Vec[] narrow(Vec... wide) {
    return Arrays.stream(wide).map(vec -> new Vec(WIDTH, vec.number())).toArray(Vec[]::new);
  }

  /** Enters the function. */
  void begin() {
    asm.enter(registers);
    asm.lea(constants, table);
  }

  /** Leaves it; nothing can be added after. */
  Assembly end(String name) {
    asm.leave(registers);
    asm.constant(table, constants());
    return asm.finish(name);
  }

  /** What {@code join} makes of all numbers of a vector, in every place: it is given the others. */
  void across(Vec vec, Vec others, Runnable join) {
    across(asm, vec, others, join);
  }

  static void across(Assembler asm, Vec vec, Vec others, Runnable join) {
    asm.vperm2f128(others, vec, vec, 0x01);
    join.run();
    asm.vshufps(others, vec, vec, 0x4E);
    join.run();
    asm.vshufps(others, vec, vec, 0xB1);
    join.run();
  }

  /** Each constant as a whole vector. */
  private float[] constants() {
    float[] all = new float[values.size() * widest.floats()];
    for (int i = 0; i < all.length; i++) {
      all[i] = values.get(i / widest.floats());
    }
    return all;
  }

  /** {@code p = exp(x)}, where x is first brought to -87 .. 87; overwrites x and t. */
  void exp(int n) {
    load(constant, MOST);
    for (int i = 0; i < n; i++) {
      asm.vminps(x[i], constant, x[i]);
    }
    load(constant, -MOST);
    for (int i = 0; i < n; i++) {
      asm.vmaxps(x[i], constant, x[i]);
    }
    load(constant, ROUND);
    for (int i = 0; i < n; i++) {
      asm.vmovups(t[i], value(LOG2_E));
      asm.vfmadd213ps(t[i], x[i], constant); // n in the low bits
      asm.vsubps(p[i], t[i], constant);
    }
    load(constant, -LN2);
    for (int i = 0; i < n; i++) {
      asm.vfmadd231ps(x[i], p[i], constant); // what is left
    }
    polynomial(EXP, n, x);
    for (int i = 0; i < n; i++) {
      asm.vpslld(t[i], t[i], 23);
      asm.vpaddd(p[i], p[i], t[i]);
    }
  }

  /** {@code p} = a polynomial of {@code of}, highest power first. */
  void polynomial(float[] coefficients, int n, Vec[] of) {
    for (int i = 0; i < n; i++) {
      asm.vmovups(p[i], value(coefficients[0]));
    }
    for (int k = 1; k < coefficients.length; k++) {
      load(constant, coefficients[k]);
      for (int i = 0; i < n; i++) {
        asm.vfmadd213ps(p[i], of[i], constant);
      }
    }
  }

  void load(Vec to, float value) {
    asm.vmovups(to, value(value));
  }

  Memory value(float value) {
    if (!values.contains(value)) {
      values.add(value);
    }
    return Memory.at(constants, values.indexOf(value) * widest.bytes());
  }
}
