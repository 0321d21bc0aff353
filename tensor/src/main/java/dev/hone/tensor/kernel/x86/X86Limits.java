package dev.hone.tensor.kernel.x86;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Loops that do nothing but what a kernel is bound by: the most that one thread of this processor
 * can do, for measurements beside kernels. Where the assembled tier cannot run they cannot either.
 */
public final class X86Limits {
  /** Independent sums: two units that take up to five steps for one are kept busy. */
  private static final int CHAINS = 12;

  /** Bytes of a step of the reading loop. */
  private static final int STEP = 256;

  /** How far ahead memory is asked for, in bytes. */
  private static final int PREFETCH = 2048;

  private static final MethodHandle CALL =
      CodeMemory.caller(FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

  private final Width width;
  private final MemorySegment multiplyAdd;
  private final MemorySegment read;

  /**
   * @throws IllegalStateException where the assembled tier cannot run
   */
  public X86Limits() {
    X86Code.Attempt attempt = X86Code.here();
    if (attempt.code() == null) {
      throw new IllegalStateException("no assembled kernels: " + attempt.reason());
    }
    width = attempt.code().width();
    multiplyAdd = CodeMemory.install(multiplyAdd(width));
    read = CodeMemory.install(read(width));
  }

  /**
   * Multiplies and adds, on this thread.
   *
   * @return operations done, a multiplication and an addition counted as two
   */
  public long multiplyAdd(long rounds) {
    call(multiplyAdd, MemorySegment.NULL, rounds);
    return 2L * CHAINS * width.floats() * rounds;
  }

  /**
   * Reads memory, on this thread.
   *
   * @return bytes read: those of the segment, down to a multiple of 256
   */
  public long read(MemorySegment segment) {
    long steps = segment.byteSize() / STEP;
    if (steps > 0) {
      Segments.require(segment, steps, STEP, STEP);
      call(read, segment, steps);
    }
    return steps * STEP;
  }

  private static void call(MemorySegment code, MemorySegment segment, long count) {
    try {
      CALL.invokeExact(code, segment, count);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static Assembly multiplyAdd(Width width) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    registers.argument("unused");
    Gpr rounds = registers.argument("rounds");
    Vec[] sums = registers.vecs("sum", CHAINS);
    Vec factor = registers.vec("factor");
    asm.enter(registers);
    asm.vxorps(factor, factor, factor);
    for (Vec sum : sums) {
      asm.vxorps(sum, sum, sum);
    }
    Label loop = asm.here();
    for (Vec sum : sums) {
      asm.vfmadd231ps(sum, factor, factor);
    }
    asm.sub(rounds, 1);
    asm.jne(loop);
    asm.leave(registers);
    return asm.finish("limit-multiply-add-" + width.floats());
  }

  static Assembly read(Width width) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    Gpr at = registers.argument("at");
    Gpr steps = registers.argument("steps");
    Vec[] sums = registers.vecs("sum", 4);
    asm.enter(registers);
    for (Vec sum : sums) {
      asm.vxorps(sum, sum, sum);
    }
    Label loop = asm.here();
    for (int i = 0; i < STEP; i += width.bytes()) {
      Vec sum = sums[i / width.bytes() % sums.length];
      asm.vxorps(sum, sum, Memory.at(at, i));
      if (i % Width.ZMM.bytes() == 0) { // a line of the cache
        asm.prefetcht0(Memory.at(at, PREFETCH + i));
      }
    }
    asm.add(at, STEP);
    asm.sub(steps, 1);
    asm.jne(loop);
    asm.leave(registers);
    return asm.finish("limit-read-" + width.floats());
  }
}
