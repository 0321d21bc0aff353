package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;

/**
 * Writes what kernels share that round rows to integers of 8 bits: how a row's grid is made of its
 * extremes ({@link Input}), or is given. A field is a register; vectors hold the same in each of 8
 * places.
 */
final class GridWriter {
  private static final Width WIDTH = Width.YMM;

  private static final float[] CONSTANTS = {
    Input.STEPS, Float.MIN_NORMAL, 128, Float.intBitsToFloat(0x7FFFFFFF)
  };
  private static final int STEPS = 0;
  private static final int LEAST_RANGE = 1;
  private static final int MIDDLE = 2;
  private static final int MAGNITUDE = 3;

  private final Assembler asm;
  private final Input input;
  private final boolean given;

  /** Where the row's grid lies: {@link Grids}. */
  private final Gpr grids;

  private final Gpr constants;
  private final Label table = new Label();

  /** A row's extremes, then the ends of its integers. */
  final Vec least;

  final Vec most;

  /** Whatever a step needs it for. */
  final Vec numbers;

  /** What numbers are multiplied with; of a grid that is given, what stands for each column. */
  final Vec inverse;

  /** The integer that stands for 0. */
  final Vec zero;

  final Vec nothing;
  private final Vec scale;

  /** Of a grid that is given, the sum of the row's numbers times 0. */
  final Vec noNumber;

  GridWriter(Assembler asm, Registers registers, Input input, Gpr grids) {
    this.asm = asm;
    this.input = input;
    this.grids = grids;
    given = input instanceof StaticInt8;
    constants = registers.gpr("constants");
    least = vec(registers, "least");
    most = vec(registers, "most");
    numbers = vec(registers, "numbers");
    inverse = vec(registers, "inverse");
    zero = vec(registers, "zero");
    nothing = vec(registers, "nothing");
    scale = vec(registers, "scale");
    noNumber = vec(registers, "no number");
  }

  private static Vec vec(Registers registers, String name) {
    return new Vec(WIDTH, registers.vec(name).number());
  }

  boolean given() {
    return given;
  }

  /** Before the first row. */
  void begin() {
    asm.lea(constants, table);
    asm.vxorps(nothing, nothing, nothing);
    if (given) {
      givenGrid();
    }
  }

  /** The code's end. */
  Assembly end(String name) {
    float[] all = new float[CONSTANTS.length * WIDTH.floats()];
    for (int i = 0; i < all.length; i++) {
      all[i] = CONSTANTS[i / WIDTH.floats()];
    }
    asm.constant(table, all);
    return asm.finish(name);
  }

  private Memory constant(int index) {
    return Memory.at(constants, index * WIDTH.bytes());
  }

  /**
   * The least and the largest number, zero among them, in every place, of what each place has seen.
   * Compared as integers, the bits of a NaN are further out than any number's: a row with one
   * becomes NaN.
   */
  void extremes() {
    FunctionWriter.across(asm, least, numbers, () -> asm.vpmaxud(least, least, numbers));
    FunctionWriter.across(asm, most, numbers, () -> asm.vpmaxsd(most, most, numbers));
    asm.vminps(least, nothing, least);
  }

  /** Scale and zero of the row's extremes; they become the ends of its integers. */
  void grid() {
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
    asm.vpbroadcastd(zero, Memory.at(grids, Grids.ZERO));
    asm.vcvtdq2ps(least, zero);
    asm.vaddps(most, least, constant(STEPS));
    asm.vsubps(zero, nothing, least);
    asm.vcvtps2dq(zero, zero);
  }

  /** The same for a row; its scale is NaN where a number was none. */
  void storeGrid() {
    FunctionWriter.across(asm, noNumber, numbers, () -> asm.vaddps(noNumber, noNumber, numbers));
    asm.vaddps(noNumber, noNumber, scale);
    asm.vcvtps2dq(numbers, least);
    asm.vmovss(Memory.at(grids, 0), noNumber);
    asm.vmovss(Memory.at(grids, Grids.ZERO), numbers);
  }
}
