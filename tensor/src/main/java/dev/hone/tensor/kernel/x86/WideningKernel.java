package dev.hone.tensor.kernel.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Some input features of a panel as floats: {@code w = q * scale + shift} with scales and shifts of
 * their group, a column in each lane.
 */
final class WideningKernel {
  /** What stands in the panel. */
  enum Source {
    F16(2, 1),
    BF16(2, 1),
    BYTES(1, 1),
    /** Two input features a byte, the first in the low half. */
    NIBBLES(1, 2);

    private final int bytes;
    private final int features;

    /**
     * @param bytes that one lane loads
     * @param features that stand in them
     */
    Source(int bytes, int features) {
      this.bytes = bytes;
      this.features = features;
    }

    boolean scaled() {
      return this == BYTES || this == NIBBLES;
    }
  }

  /** What is added to an integer times its scale. */
  enum Shift {
    /** Nothing, and nothing is scaled. */
    NONE,
    /** One number for all columns, times the scale. */
    ONE,
    /** Minus a signed byte for each column, times the scale. */
    ZEROS,
    /** A float for each column. */
    FLOATS
  }

  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS));

  private final int columns;
  private final Source source;
  private final Shift shift;
  private final MemorySegment code;

  WideningKernel(Width width, int columns, Source source, Shift shift) {
    this.columns = columns;
    this.source = source;
    this.shift = shift;
    code = CodeMemory.install(assemble(width, columns, source, shift));
  }

  Source source() {
    return source;
  }

  Shift shift() {
    return shift;
  }

  /**
   * @param data [features][columns], or [features / 2][columns] of nibbles
   * @param out [features][columns] of floats; one row more where nibbles end with half a byte
   * @param scales [columns] floats, if the source has scales
   * @param shifts what {@link Shift} says
   */
  void run(
      MemorySegment data,
      MemorySegment out,
      long features,
      MemorySegment scales,
      MemorySegment shifts) {
    long steps = (features + source.features - 1) / source.features;
    Segments.require(data, steps, (long) columns * source.bytes, (long) columns * source.bytes);
    long row = (long) columns * Float.BYTES;
    Segments.require(out, steps * source.features, row, row);
    if (source.scaled()) {
      Segments.require(scales, 1, 0, row);
      Segments.require(shifts, 1, 0, shiftBytes());
    }
    try {
      CALL.invokeExact(code, data, out, steps, scales, shifts);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private long shiftBytes() {
    return switch (shift) {
      case NONE -> 0;
      case ONE -> Float.BYTES;
      case ZEROS -> columns;
      case FLOATS -> (long) columns * Float.BYTES;
    };
  }

  static Assembly assemble(Width width, int columns, Source source, Shift shift) {
    return new Writer(width, columns, source, shift).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Width width;
    private final int columns;
    private final int vectors;
    private final Source source;
    private final Shift shift;
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr data;
    private final Gpr out;
    private final Gpr steps;
    private final Gpr scales;
    private final Gpr shifts;
    private final Vec[] scale;
    private final Vec[] added;
    private final Vec[] number;
    private final Vec[] second;
    private final Vec constant;

    Writer(Width width, int columns, Source source, Shift shift) {
      this.width = width;
      this.columns = columns;
      this.source = source;
      this.shift = shift;
      vectors = columns / width.floats();
      registers = new Registers(width);
      data = registers.argument("data");
      out = registers.argument("out");
      steps = registers.argument("steps");
      scales = registers.argument("scales");
      shifts = registers.argument("shifts");
      scale = registers.vecs("scale", vectors);
      added = registers.vecs("added", vectors);
      number = registers.vecs("number", vectors);
      second = registers.vecs("second number", vectors);
      constant = registers.vec("constant");
    }

    Assembly write() {
      asm.enter(registers);
      if (source.scaled()) {
        factors();
      }
      if (source == Source.NIBBLES) {
        Gpr address = registers.gpr("address of the mask");
        asm.lea(address, asm.constant(Float.intBitsToFloat(15)));
        asm.vbroadcastss(constant, Memory.at(address, 0));
      }
      Label loop = asm.here();
      for (int v = 0; v < vectors; v++) {
        step(v, Memory.at(data, v * width.floats() * source.bytes));
      }
      asm.add(data, columns * source.bytes);
      asm.add(out, columns * Float.BYTES * source.features);
      asm.sub(steps, 1);
      asm.jne(loop);
      asm.leave(registers);
      String label = source + "-" + shift + "-" + columns;
      return asm.finish("widening-" + label.toLowerCase(Locale.ROOT));
    }

    /** What every number is multiplied with, and what is added. */
    private void factors() {
      for (int v = 0; v < vectors; v++) {
        asm.vmovups(scale[v], Memory.at(scales, v * width.bytes()));
        switch (shift) {
          case NONE -> throw new IllegalStateException();
          case ONE -> {
            asm.vbroadcastss(added[v], Memory.at(shifts, 0));
            asm.vmulps(added[v], added[v], scale[v]);
          }
          case ZEROS -> {
            asm.vpmovsxbd(added[v], Memory.at(shifts, v * width.floats()));
            asm.vcvtdq2ps(added[v], added[v]);
            asm.vmulps(added[v], added[v], scale[v]);
            asm.vxorps(constant, constant, constant);
            asm.vsubps(added[v], constant, added[v]);
          }
          case FLOATS -> asm.vmovups(added[v], Memory.at(shifts, v * width.bytes()));
        }
      }
    }

    private void step(int v, Memory from) {
      Memory to = Memory.at(out, v * width.bytes());
      switch (source) {
        case F16 -> {
          asm.vcvtph2ps(number[v], from);
          asm.vmovups(to, number[v]);
        }
        case BF16 -> {
          asm.vpmovzxwd(number[v], from);
          asm.vpslld(number[v], number[v], 16);
          asm.vmovups(to, number[v]);
        }
        case BYTES -> {
          asm.vpmovsxbd(number[v], from);
          scaled(number[v], v, to);
        }
        case NIBBLES -> {
          asm.vpmovzxbd(number[v], from);
          asm.vpsrld(second[v], number[v], 4);
          asm.vandps(number[v], number[v], constant);
          scaled(number[v], v, to);
          scaled(second[v], v, to.plus(columns * Float.BYTES));
        }
      }
    }

    private void scaled(Vec integers, int v, Memory to) {
      asm.vcvtdq2ps(integers, integers);
      asm.vfmadd213ps(integers, scale[v], added[v]);
      asm.vmovups(to, integers);
    }
  }
}
