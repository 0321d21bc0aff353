package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

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
import java.util.function.Consumer;

/**
 * Normalizes rows: {@code x + residual} less its mean, over its standard deviation, by weight and
 * bias (Ba, Kiros, Hinton, "Layer Normalization"); or over its root mean square (Zhang, Sennrich,
 * "Root Mean Square Layer Normalization").
 */
final class NormKernel {
  /**
   * What is computed.
   *
   * @param centred whether the mean is taken away
   */
  record Form(boolean centred, boolean residual, boolean bias) {
    private String label(Width width) {
      return (centred ? "layer-norm" : "rms-norm")
          + (residual ? "-residual" : "")
          + (bias ? "-bias" : "")
          + "-"
          + width.floats();
    }
  }

  private final Form form;
  private final MemorySegment code;

  NormKernel(Form form, Width width) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form, width));
  }

  /**
   * @param x [rows][cols]
   * @param residual [rows][cols]; not read where the form has none
   * @param weight [cols]
   * @param bias [cols]; not read where the form has none
   * @param shift added to every weight
   * @param out [rows][cols]; it may be x or residual
   */
  void run(
      MemorySegment x,
      MemorySegment residual,
      MemorySegment weight,
      MemorySegment bias,
      float shift,
      float epsilon,
      MemorySegment out,
      long rows,
      long cols) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    long row = cols * Float.BYTES;
    Segments.require(x, rows, row, row);
    Segments.require(weight, 1, 0, row);
    Segments.require(out, rows, row, row);
    if (form.residual()) {
      Segments.require(residual, rows, row, row);
    }
    if (form.bias()) {
      Segments.require(bias, 1, 0, row);
    }
    long epsilonBits = Float.floatToRawIntBits(epsilon);
    long shiftBits = Float.floatToRawIntBits(shift);
    CodeMemory.call(
        code,
        address(x),
        address(residual),
        address(weight),
        address(bias),
        address(out),
        rows,
        cols,
        epsilonBits,
        shiftBits);
  }

  static Assembly assemble(Form form, Width width) {
    return new Writer(form, width).write();
  }

  /**
   * Writes the code; a field is a register. Four sums run side by side, because each addition waits
   * for the one before.
   */
  private static final class Writer {
    private static final int SIDE_BY_SIDE = 4;

    private final Form form;
    private final Width widest;
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr x;
    private final Gpr residual;
    private final Gpr weight;
    private final Gpr bias;
    private final Gpr out;
    private final Gpr rows;
    private final Gpr cols;
    private final Gpr rowBytes;
    private final RowSteps steps;
    private final Gpr ones;
    private final Vec numbers;
    private final Vec other;
    private final Vec[] sums;
    private final Vec mean;
    private final Vec inverse;
    private final Vec share;
    private final Vec epsilon;
    private final Vec shift;

    Writer(Form form, Width width) {
      this.form = form;
      widest = width;
      registers = new Registers(width);
      x = registers.argument("x");
      residual = registers.argument("residual");
      weight = registers.argument("weight");
      bias = registers.argument("bias");
      out = registers.argument("out");
      rows = registers.argument("rows");
      cols = registers.gpr("cols");
      rowBytes = registers.gpr("bytes of a row");
      steps = new RowSteps(asm, registers, cols);
      ones = registers.gpr("ones");
      numbers = registers.vec("numbers");
      other = registers.vec("other");
      sums = registers.vecs("sum", SIDE_BY_SIDE);
      mean = registers.vec("mean");
      inverse = registers.vec("inverse");
      share = narrow(registers.vec("share of a number in a mean"));
      epsilon = narrow(registers.vec("epsilon"));
      shift = registers.vec("shift");
    }

    private static Vec narrow(Vec vec) {
      return new Vec(RowSteps.WIDTH, vec.number());
    }

    Assembly write() {
      asm.enter(registers);
      asm.mov(cols, Assembler.stackArgument(registers, 6));
      asm.lea(ones, asm.constant(vectorOf(1)));
      asm.vpbroadcastd(share, Assembler.stackArgument(registers, 6));
      asm.vcvtdq2ps(share, share);
      asm.vmovups(narrow(numbers), Memory.at(ones, 0));
      asm.vdivps(share, narrow(numbers), share);
      asm.vbroadcastss(epsilon, Assembler.stackArgument(registers, 7));
      asm.vbroadcastss(shift, Assembler.stackArgument(registers, 8));
      asm.mov(rowBytes, cols);
      asm.shl(rowBytes, 2);
      steps.begin();
      Label row = asm.here();
      if (form.centred()) {
        sum(
            step -> {
              read(step);
              add(step);
            });
        asm.vmulps(narrow(mean), narrow(sums[0]), share);
        widen(mean);
        sum(
            step -> {
              step.load(numbers, out);
              asm.vsubps(step.part(numbers), step.part(numbers), step.part(mean));
              step.clearBehind(numbers);
              addSquare(step);
            });
      } else {
        sum(
            step -> {
              read(step);
              addSquare(step);
            });
      }
      inverse();
      write(form.residual() || form.centred() ? out : x);
      asm.add(x, rowBytes);
      asm.add(out, rowBytes);
      if (form.residual()) {
        asm.add(residual, rowBytes);
      }
      asm.sub(rows, 1);
      asm.jne(row);
      asm.leave(registers);
      return asm.finish(form.label(widest));
    }

    private static float[] vectorOf(float value) {
      float[] vector = new float[RowSteps.WIDTH.floats()];
      java.util.Arrays.fill(vector, value);
      return vector;
    }

    /** {@code x + residual}; kept in {@code out}, where later steps read it. */
    private void read(RowSteps.Step step) {
      step.load(numbers, x);
      if (form.residual()) {
        step.load(other, residual);
        asm.vaddps(step.part(numbers), step.part(numbers), step.part(other));
      }
      if (form.residual() || form.centred()) {
        step.store(out, numbers);
      }
    }

    /** What the work adds up over a row, in every place of the first sum's lower half. */
    private void sum(Consumer<RowSteps.Step> work) {
      for (Vec sum : sums) {
        asm.vxorps(narrow(sum), narrow(sum), narrow(sum));
      }
      steps.each(SIDE_BY_SIDE, widest, work, this::join);
      Vec sum = narrow(sums[0]);
      FunctionWriter.across(asm, sum, narrow(other), () -> asm.vaddps(sum, sum, narrow(other)));
    }

    /** All sums in 8 places of the first. */
    private void join() {
      asm.vaddps(sums[0], sums[0], sums[1]);
      asm.vaddps(sums[2], sums[2], sums[3]);
      asm.vaddps(sums[0], sums[0], sums[2]);
      if (widest == Width.ZMM) {
        asm.vshuff32x4(other, sums[0], sums[0], 0x4E);
        asm.vaddps(sums[0], sums[0], other);
      }
    }

    private void add(RowSteps.Step step) {
      Vec sum = step.part(sums[step.index()]);
      asm.vaddps(sum, sum, step.part(numbers));
    }

    private void addSquare(RowSteps.Step step) {
      asm.vfmadd231ps(step.part(sums[step.index()]), step.part(numbers), step.part(numbers));
    }

    private void inverse() {
      Vec root = narrow(sums[0]);
      asm.vmulps(root, root, share);
      asm.vaddps(root, root, epsilon);
      asm.vsqrtps(root, root);
      asm.vmovups(narrow(inverse), Memory.at(ones, 0));
      asm.vdivps(narrow(inverse), narrow(inverse), root);
      widen(inverse);
    }

    /** What 8 places have, in all. */
    private void widen(Vec vec) {
      if (widest == Width.ZMM) {
        asm.vshuff32x4(vec, vec, vec, 0x44);
      }
    }

    private void write(Gpr from) {
      steps.each(
          SIDE_BY_SIDE,
          widest,
          step -> {
            Vec result = step.part(numbers);
            Vec factor = step.part(other);
            step.load(numbers, from);
            if (form.centred()) {
              asm.vsubps(result, result, step.part(mean));
            }
            asm.vmulps(result, result, step.part(inverse));
            step.load(other, weight);
            asm.vaddps(factor, factor, step.part(shift));
            asm.vmulps(result, result, factor);
            if (form.bias()) {
              step.load(other, bias);
              asm.vaddps(result, result, factor);
            }
            step.store(out, numbers);
          },
          () -> {});
    }
  }
}
