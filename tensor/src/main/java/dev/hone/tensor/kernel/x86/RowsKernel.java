package dev.hone.tensor.kernel.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Copies rows, each multiplied by a factor of its own or by none; they may be copied to themselves.
 */
final class RowsKernel {
  /** What the rows' length must be a multiple of. */
  static final int STEP = 8;

  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG));

  private final MemorySegment copy = CodeMemory.install(assemble(false));
  private final MemorySegment scale = CodeMemory.install(assemble(true));

  void copy(
      MemorySegment in, long inStride, MemorySegment out, long outStride, long rows, long length) {
    call(copy, in, inStride, out, outStride, rows, length, MemorySegment.NULL, 0);
  }

  /**
   * @param in [rows][length], {@code inStride} bytes apart
   * @param out [rows][length], {@code outStride} bytes apart
   * @param factors [rows], {@code factorStride} bytes apart
   */
  void scale(
      MemorySegment in,
      long inStride,
      MemorySegment out,
      long outStride,
      long rows,
      long length,
      MemorySegment factors,
      long factorStride) {
    Segments.require(factors, rows, factorStride, Float.BYTES);
    call(scale, in, inStride, out, outStride, rows, length, factors, factorStride);
  }

  private static void call(
      MemorySegment code,
      MemorySegment in,
      long inStride,
      MemorySegment out,
      long outStride,
      long rows,
      long length,
      MemorySegment factors,
      long factorStride) {
    if (rows <= 0 || length <= 0 || length % STEP != 0) {
      throw new IllegalArgumentException("rows=" + rows + ", length=" + length);
    }
    Segments.require(in, rows, inStride, length * Float.BYTES);
    Segments.require(out, rows, outStride, length * Float.BYTES);
    try {
      CALL.invokeExact(code, in, inStride, out, outStride, rows, length, factors, factorStride);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static Assembly assemble(boolean scaled) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(Width.YMM);
    Gpr in = registers.argument("in");
    Gpr inStride = registers.argument("stride of in");
    Gpr out = registers.argument("out");
    Gpr outStride = registers.argument("stride of out");
    Gpr rows = registers.argument("rows");
    Gpr length = registers.argument("length");
    Gpr factors = registers.gpr("factors");
    Gpr factorStride = registers.gpr("stride of factors");
    Gpr at = registers.gpr("at");
    Vec factor = registers.vec("factor");
    Vec numbers = registers.vec("numbers");
    asm.enter(registers);
    asm.mov(factors, Assembler.stackArgument(registers, 6));
    asm.mov(factorStride, Assembler.stackArgument(registers, 7));
    Label row = asm.here();
    if (scaled) {
      asm.vbroadcastss(factor, Memory.at(factors, 0));
      asm.add(factors, factorStride);
    }
    asm.mov(at, length);
    Label loop = asm.here(); // from the row's end to its begin
    asm.sub(at, STEP);
    if (scaled) {
      asm.vmulps(numbers, factor, Memory.at(in, at, Float.BYTES, 0));
    } else {
      asm.vmovups(numbers, Memory.at(in, at, Float.BYTES, 0));
    }
    asm.vmovups(Memory.at(out, at, Float.BYTES, 0), numbers);
    asm.test(at, at);
    asm.jne(loop);
    asm.add(in, inStride);
    asm.add(out, outStride);
    asm.sub(rows, 1);
    asm.jne(row);
    asm.leave(registers);
    return asm.finish(scaled ? "rows-scaled" : "rows-copied");
  }
}
