package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.kernel.x86.IntegerProductKernel.Form;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Rounds rows of floats to integers of 8 bits, each row on a grid of its own or all on the first
 * one's, which is given then ({@link Input}): what {@link IntegerProductKernel} reads.
 *
 * <pre>
 *   out    [row] as words q - zero, or as bytes q
 *   grids  [row] of a scale and a zero with the opposite sign
 * </pre>
 */
final class RoundingKernel {
  /** Numbers that are rounded at a time: rows of {@code out} hold a multiple of it. */
  static final int STEP = RowSteps.WIDTH.floats();

  private static final Width WIDTH = RowSteps.WIDTH;

  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG));

  private final Form form;
  private final MemorySegment code;

  RoundingKernel(Input input, Form form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(input, form));
  }

  /** Bytes of a row of {@code out} that holds so many numbers. */
  long rowBytes(long cols) {
    return (cols + STEP - 1) / STEP * STEP * form.bytes();
  }

  /**
   * @param x [rows][cols], {@code stride} bytes apart
   * @param out [rows] of {@link #rowBytes}, {@code outStride} bytes apart
   * @param grids [rows] of {@link Grids#BYTES}; of {@link StaticInt8} the first is read
   */
  void run(
      MemorySegment x,
      long stride,
      long rows,
      long cols,
      MemorySegment out,
      long outStride,
      MemorySegment grids) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    Segments.require(x, rows, stride, cols * Float.BYTES);
    Segments.require(out, rows, outStride, rowBytes(cols));
    Segments.require(grids, rows, Grids.BYTES, Grids.BYTES);
    try {
      CALL.invokeExact(code, x, out, grids, rows, cols, stride, outStride);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(Input input, Form form) {
    return new Writer(input, form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Input input;
    private final boolean given;
    private final Form form;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(WIDTH);
    private final Gpr x = registers.argument("x");
    private final Gpr out = registers.argument("out");
    private final Gpr grids = registers.argument("grids");
    private final Gpr rows = registers.argument("rows");
    private final Gpr cols = registers.argument("cols");
    private final Gpr stride = registers.argument("stride");
    private final Gpr outStride = registers.gpr("stride of out");
    private final Gpr to = registers.gpr("to");
    private final Gpr constants = registers.gpr("constants");
    private final Vec least = registers.vec("least");
    private final Vec most = registers.vec("most");
    private final Vec numbers = registers.vec("numbers");
    private final Vec scale = registers.vec("scale");
    private final Vec inverse = registers.vec("inverse");
    private final Vec zero = registers.vec("zero");
    private final Vec nothing = registers.vec("nothing");
    private final Vec noNumber = registers.vec("no number");
    private final RowSteps steps = new RowSteps(asm, registers, cols);
    private final Label table = new Label();

    private static final float[] CONSTANTS = {
      Input.STEPS, Float.MIN_NORMAL, 128, Float.intBitsToFloat(0x7FFFFFFF), 1
    };
    private static final int STEPS = 0;
    private static final int LEAST_RANGE = 1;
    private static final int MIDDLE = 2;
    private static final int MAGNITUDE = 3;
    private static final int ONE = 4;

    Writer(Input input, Form form) {
      this.input = input;
      this.given = input instanceof StaticInt8;
      this.form = form;
    }

    Assembly write() {
      asm.enter(registers);
      asm.mov(outStride, Assembler.stackArgument(registers, 6));
      asm.lea(constants, table);
      asm.vxorps(nothing, nothing, nothing);
      steps.begin();
      if (given) {
        givenGrid();
      }
      Label row = asm.here();
      if (given) {
        asm.vxorps(noNumber, noNumber, noNumber);
        round();
        storeGrid();
      } else {
        extremes();
        grid();
        round();
      }
      asm.add(x, stride);
      asm.add(out, outStride);
      asm.add(grids, Grids.BYTES);
      asm.sub(rows, 1);
      asm.jne(row);
      asm.leave(registers);
      asm.constant(table, constants());
      return asm.finish(
          "round-" + input.label() + "-" + form.name().toLowerCase(java.util.Locale.ROOT));
    }

    private static float[] constants() {
      float[] all = new float[CONSTANTS.length * WIDTH.floats()];
      for (int i = 0; i < all.length; i++) {
        all[i] = CONSTANTS[i / WIDTH.floats()];
      }
      return all;
    }

    private Memory constant(int index) {
      return Memory.at(constants, index * WIDTH.bytes());
    }

    /**
     * The least and the largest number, zero among them, in every place. Compared as integers, the
     * bits of a NaN are further out than any number's: a row with one becomes NaN.
     */
    private void extremes() {
      asm.vxorps(least, least, least);
      asm.vxorps(most, most, most);
      steps.each(
          step -> {
            step.load(numbers, x);
            asm.vpmaxud(least, least, numbers); // the sign is the highest bit
            asm.vpmaxsd(most, most, numbers);
          });
      FunctionWriter.across(asm, least, numbers, () -> asm.vpmaxud(least, least, numbers));
      FunctionWriter.across(asm, most, numbers, () -> asm.vpmaxsd(most, most, numbers));
      asm.vminps(least, nothing, least);
    }

    /** Scale and zero; the ends of the row's integers in {@code least} and {@code most}. */
    private void grid() {
      asm.vsubps(numbers, nothing, least);
      if (input.equals(Input.DYNAMIC_INT8)) {
        asm.vaddps(most, most, numbers); // the range
      } else {
        asm.vandps(numbers, numbers, constant(MAGNITUDE)); // a NaN's sign too
        asm.vpmaxsd(most, most, numbers);
        asm.vaddps(most, most, most);
      }
      asm.vmovups(inverse, constant(STEPS));
      asm.vdivps(scale, most, inverse);
      asm.vdivps(inverse, inverse, most);
      asm.vcmpnltps(most, most, constant(LEAST_RANGE));
      asm.vandps(inverse, inverse, most); // 0 where a row is nothing
      if (input.equals(Input.DYNAMIC_INT8)) {
        asm.vmulps(zero, numbers, inverse);
      } else {
        asm.vmovups(zero, constant(MIDDLE));
      }
      asm.vcvtps2dq(zero, zero);
      asm.vcvtdq2ps(numbers, zero);
      asm.vsubps(least, nothing, numbers);
      asm.vaddps(most, least, constant(STEPS));
      asm.vcvtps2dq(numbers, least);
      asm.vmovss(Memory.at(grids, 0), scale);
      asm.vmovss(Memory.at(grids, Grids.ZERO), numbers);
    }

    /** The grid that stands in the first row's place, as {@link #grid} leaves it. */
    private void givenGrid() {
      asm.vbroadcastss(scale, Memory.at(grids, 0));
      asm.vmovups(inverse, constant(ONE));
      asm.vdivps(inverse, inverse, scale);
      asm.vpbroadcastd(zero, Memory.at(grids, Grids.ZERO));
      asm.vcvtdq2ps(least, zero);
      asm.vaddps(most, least, constant(STEPS));
      asm.vsubps(zero, nothing, least);
      asm.vcvtps2dq(zero, zero);
    }

    /** The same for a row; its scale is NaN where a number was none. */
    private void storeGrid() {
      FunctionWriter.across(asm, noNumber, numbers, () -> asm.vaddps(noNumber, noNumber, numbers));
      asm.vaddps(noNumber, noNumber, scale);
      asm.vcvtps2dq(numbers, least);
      asm.vmovss(Memory.at(grids, 0), noNumber);
      asm.vmovss(Memory.at(grids, Grids.ZERO), numbers);
    }

    private void round() {
      asm.mov(to, out);
      steps.each(
          step -> {
            step.load(numbers, x);
            if (given) {
              asm.vfmadd231ps(noNumber, numbers, nothing);
            }
            asm.vmulps(numbers, numbers, inverse);
            asm.vmaxps(numbers, numbers, least);
            asm.vminps(numbers, numbers, most);
            asm.vcvtps2dq(numbers, numbers);
            if (form == Form.BYTES) {
              asm.vpaddd(numbers, numbers, zero);
            }
            asm.vpackssdw(numbers, numbers, numbers);
            asm.vpermq(numbers, numbers, 0x08); // both halves of 128 bits held their words twice
            switch (form) {
              case WORDS -> asm.vmovups(Memory.at(to, 0), new Vec(Width.XMM, numbers.number()));
              case BYTES -> {
                asm.vpackuswb(numbers, numbers, numbers);
                asm.vmovq(Memory.at(to, 0), numbers);
              }
            }
            asm.add(to, STEP * form.bytes());
          });
    }
  }
}
