package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.LimitLoops;
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

/** The loops in machine code; bytes are multiplied by VPDPBUSD where there is one. */
public final class X86Limits implements LimitLoops {
  /** Independent sums: two units that take up to five steps for one are kept busy. */
  private static final int CHAINS = 12;

  /** Bytes of a step of the reading loop. */
  private static final int STEP = 256;

  /** How far ahead memory is asked for, in bytes. */
  private static final int PREFETCH = 2048;

  private static final MethodHandle CALL =
      CodeMemory.caller(FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

  /** Numbers of 8 bits in a place of 32. */
  private static final int BYTES = 4;

  private final Width width;
  private final MemorySegment multiplyAdd;
  private final MemorySegment integerDot;
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
    integerDot = CodeMemory.install(integerDot(width, attempt.code().integerProduct().form()));
    read = CodeMemory.install(read(width));
  }

  @Override
  public long multiplyAdd(int rounds) {
    call(multiplyAdd, MemorySegment.NULL, rounds);
    return 2L * CHAINS * width.floats() * rounds;
  }

  @Override
  public long integerDot(int rounds) {
    call(integerDot, MemorySegment.NULL, rounds);
    return 2L * CHAINS * width.floats() * BYTES * rounds;
  }

  @Override
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
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
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

  /**
   * Without VNNI by three instructions: words of two products, places of two words, sums. Words
   * multiplied at once, as VPMADDWD does, would be as many a multiplication and more additions.
   */
  static Assembly integerDot(Width width, Form form) {
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    registers.argument("unused");
    Gpr rounds = registers.argument("rounds");
    Vec[] sums = registers.vecs("sum", CHAINS);
    Vec factor = registers.vec("factor");
    Vec product = registers.vec("product");
    asm.enter(registers);
    asm.vxorps(factor, factor, factor);
    for (Vec sum : sums) {
      asm.vxorps(sum, sum, sum);
    }
    Label loop = asm.here();
    for (Vec sum : sums) {
      switch (form) {
        case BYTES -> asm.vpdpbusd(sum, factor, factor);
        case WORDS -> {
          asm.vpmaddubsw(product, factor, factor);
          asm.vpmaddwd(product, product, factor);
          asm.vpaddd(sum, sum, product);
        }
      }
    }
    asm.sub(rounds, 1);
    asm.jne(loop);
    asm.leave(registers);
    String name = form == Form.BYTES ? "limit-integer-dot-vnni-" : "limit-integer-dot-";
    return asm.finish(name + width.floats());
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
