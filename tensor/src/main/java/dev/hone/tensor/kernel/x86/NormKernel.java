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
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Normalizes rows: {@code x + residual} less its mean, over its standard deviation, by weight and
 * bias (Ba, Kiros, Hinton, "Layer Normalization"); or over its root mean square (Zhang, Sennrich,
 * "Root Mean Square Layer Normalization").
 */
final class NormKernel {
  private static final MethodHandle CALL = CodeMemory.caller(9);

  /**
   * What is computed.
   *
   * @param centred whether the mean is taken away
   */
  record Form(boolean centred, boolean residual, boolean bias) {
    private String label() {
      return (centred ? "layer-norm" : "rms-norm")
          + (residual ? "-residual" : "")
          + (bias ? "-bias" : "");
    }
  }

  private final Form form;
  private final MemorySegment code;

  NormKernel(Form form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
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
    try {
      CALL.invokeExact(
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
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(Form form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Form form;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(RowSteps.WIDTH);
    private final Gpr x = registers.argument("x");
    private final Gpr residual = registers.argument("residual");
    private final Gpr weight = registers.argument("weight");
    private final Gpr bias = registers.argument("bias");
    private final Gpr out = registers.argument("out");
    private final Gpr rows = registers.argument("rows");
    private final Gpr cols = registers.gpr("cols");
    private final Gpr rowBytes = registers.gpr("bytes of a row");
    private final RowSteps steps = new RowSteps(asm, registers, cols);
    private final Gpr ones = registers.gpr("ones");
    private final Vec numbers = registers.vec("numbers");
    private final Vec other = registers.vec("other");
    private final Vec sum = registers.vec("sum");
    private final Vec mean = registers.vec("mean");
    private final Vec inverse = registers.vec("inverse");
    private final Vec share = registers.vec("share of a number in a mean");
    private final Vec epsilon = registers.vec("epsilon");
    private final Vec shift = registers.vec("shift");

    Writer(Form form) {
      this.form = form;
    }

    Assembly write() {
      asm.enter(registers);
      asm.mov(cols, Assembler.stackArgument(registers, 6));
      asm.lea(ones, asm.constant(vectorOf(1)));
      asm.vpbroadcastd(share, Assembler.stackArgument(registers, 6));
      asm.vcvtdq2ps(share, share);
      asm.vmovups(numbers, Memory.at(ones, 0));
      asm.vdivps(share, numbers, share);
      asm.vbroadcastss(epsilon, Assembler.stackArgument(registers, 7));
      asm.vbroadcastss(shift, Assembler.stackArgument(registers, 8));
      asm.mov(rowBytes, cols);
      asm.shl(rowBytes, 2);
      steps.begin();
      Label row = asm.here();
      if (form.centred()) {
        mean();
        variance();
      } else {
        squares();
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
      return asm.finish(form.label());
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
        asm.vaddps(numbers, numbers, other);
      }
      if (form.residual() || form.centred()) {
        step.store(out, numbers);
      }
    }

    private void mean() {
      asm.vxorps(sum, sum, sum);
      steps.each(
          step -> {
            read(step);
            asm.vaddps(sum, sum, numbers);
          });
      across(sum);
      asm.vmulps(mean, sum, share);
    }

    private void variance() {
      asm.vxorps(sum, sum, sum);
      steps.each(
          step -> {
            step.load(numbers, out);
            asm.vsubps(numbers, numbers, mean);
            step.clearBehind(numbers);
            asm.vfmadd231ps(sum, numbers, numbers);
          });
    }

    private void squares() {
      asm.vxorps(sum, sum, sum);
      steps.each(
          step -> {
            read(step);
            asm.vfmadd231ps(sum, numbers, numbers);
          });
    }

    private void inverse() {
      across(sum);
      asm.vmulps(sum, sum, share);
      asm.vaddps(sum, sum, epsilon);
      asm.vsqrtps(sum, sum);
      asm.vmovups(inverse, Memory.at(ones, 0));
      asm.vdivps(inverse, inverse, sum);
    }

    private void across(Vec vec) {
      FunctionWriter.across(asm, vec, other, () -> asm.vaddps(vec, vec, other));
    }

    private void write(Gpr from) {
      steps.each(
          step -> {
            step.load(numbers, from);
            if (form.centred()) {
              asm.vsubps(numbers, numbers, mean);
            }
            asm.vmulps(numbers, numbers, inverse);
            step.load(other, weight);
            asm.vaddps(other, other, shift);
            asm.vmulps(numbers, numbers, other);
            if (form.bias()) {
              step.load(other, bias);
              asm.vaddps(numbers, numbers, other);
            }
            step.store(out, numbers);
          });
    }
  }
}
