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
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * Copies rows, scales or divides each by a number of its own, or adds them to others; widens rows
 * that are stored in fewer bits.
 */
final class RowsKernel {
  /** What the rows' length must be a multiple of. */
  static final int STEP = 8;

  /** What becomes of a row of {@code out}. */
  enum Operation {
    COPY,
    SCALE,
    DIVIDE,
    ADD,
    /** A copy in F32 of the nearest BF16, of two the even one. */
    ROUND_BF16,
    /** A copy in F32 of rows of F16. */
    WIDEN_HALVES,
    /** Rows of signed bytes, scaled, in F32. */
    SCALE_BYTES;

    /** Of a number of {@code in}. */
    int inBytes() {
      return switch (this) {
        case COPY, SCALE, DIVIDE, ADD, ROUND_BF16 -> Float.BYTES;
        case WIDEN_HALVES -> Short.BYTES;
        case SCALE_BYTES -> Byte.BYTES;
      };
    }
  }

  private final Map<Operation, MemorySegment> code = new EnumMap<>(Operation.class);

  RowsKernel() {
    for (Operation operation : Operation.values()) {
      code.put(operation, CodeMemory.install(assemble(operation)));
    }
  }

  /**
   * {@code out = in}, or {@code out += in}.
   *
   * @param in [rows][length], of the operation's type, {@code inStride} bytes apart
   * @param out [rows][length], {@code outStride} bytes apart: 0 adds all rows to one
   */
  void run(
      Operation operation,
      MemorySegment in,
      long inStride,
      MemorySegment out,
      long outStride,
      long rows,
      long length) {
    call(operation, in, inStride, out, outStride, rows, length, in, 0);
  }

  /**
   * {@code out = in factor}, or {@code out = in / factor}; out may be in.
   *
   * @param in [rows][length], {@code inStride} bytes apart
   * @param out [rows][length], {@code outStride} bytes apart
   * @param factors [rows], {@code factorStride} bytes apart
   */
  void run(
      Operation operation,
      MemorySegment in,
      long inStride,
      MemorySegment out,
      long outStride,
      long rows,
      long length,
      MemorySegment factors,
      long factorStride) {
    Segments.require(factors, rows, factorStride, Float.BYTES);
    call(operation, in, inStride, out, outStride, rows, length, factors, factorStride);
  }

  private void call(
      Operation operation,
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
    Segments.require(in, rows, inStride, length * operation.inBytes());
    Segments.require(out, rows, outStride, length * Float.BYTES);
    MemorySegment kernel = code.get(operation);
    CodeMemory.call(
        kernel,
        address(in),
        inStride,
        address(out),
        outStride,
        rows,
        length,
        address(factors),
        factorStride);
  }

  /** Rounds the bits of floats as integers: what is added carries into those that stay. */
  private static final class Bf16Rounding {
    private static final int[] CONSTANTS = {1, 0x7FFF, 0xFFFF0000, 0x7F800000};

    private final Assembler asm;
    private final Vec[] constants;
    private final Vec rounded;
    private final Vec kept;

    /** Loads its constants. */
    Bf16Rounding(Assembler asm, Registers registers, Gpr address) {
      this.asm = asm;
      constants = registers.vecs("constant", CONSTANTS.length);
      rounded = registers.vec("rounded");
      kept = registers.vec("kept");
      for (int i = 0; i < CONSTANTS.length; i++) {
        asm.lea(address, asm.constant(Float.intBitsToFloat(CONSTANTS[i])));
        asm.vbroadcastss(constants[i], Memory.at(address, 0));
      }
    }

    void round(Vec numbers) {
      asm.vpsrld(rounded, numbers, Short.SIZE);
      asm.vandps(rounded, rounded, constants[0]); // 1 if the last bit that stays is odd
      asm.vpaddd(rounded, rounded, constants[1]);
      asm.vpaddd(rounded, rounded, numbers);
      asm.vandps(rounded, rounded, constants[2]);
      asm.vcmpnltps(kept, numbers, constants[3]); // what is no number, and infinity
      asm.vandps(numbers, numbers, kept);
      asm.vandnps(rounded, kept, rounded);
      asm.vpaddd(numbers, numbers, rounded);
    }
  }

  static Assembly assemble(Operation operation) {
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
    Vec one = registers.vec("one");
    asm.enter(registers);
    asm.mov(factors, Assembler.stackArgument(registers, 6));
    asm.mov(factorStride, Assembler.stackArgument(registers, 7));
    if (operation == Operation.DIVIDE) {
      asm.lea(at, asm.constant(1));
      asm.vbroadcastss(one, Memory.at(at, 0));
    }
    Bf16Rounding rounding = null;
    if (operation == Operation.ROUND_BF16) {
      rounding = new Bf16Rounding(asm, registers, at);
    }
    Label row = asm.here();
    asm.vbroadcastss(factor, Memory.at(factors, 0));
    if (operation == Operation.DIVIDE) {
      asm.vdivps(factor, one, factor);
    }
    asm.add(factors, factorStride);
    asm.mov(at, length);
    Label loop = asm.here(); // from the row's end to its begin
    asm.sub(at, STEP);
    Memory from = Memory.at(in, at, operation.inBytes(), 0);
    Memory to = Memory.at(out, at, Float.BYTES, 0);
    switch (operation) {
      case COPY, SCALE, DIVIDE, ADD, ROUND_BF16 -> asm.vmovups(numbers, from);
      case WIDEN_HALVES -> asm.vcvtph2ps(numbers, from);
      case SCALE_BYTES -> {
        asm.vpmovsxbd(numbers, from);
        asm.vcvtdq2ps(numbers, numbers);
      }
    }
    switch (operation) {
      case COPY, WIDEN_HALVES -> {}
      case SCALE, DIVIDE, SCALE_BYTES -> asm.vmulps(numbers, numbers, factor);
      case ADD -> asm.vaddps(numbers, numbers, to);
      case ROUND_BF16 -> rounding.round(numbers);
    }
    asm.vmovups(to, numbers);
    asm.test(at, at);
    asm.jne(loop);
    asm.add(in, inStride);
    asm.add(out, outStride);
    asm.sub(rows, 1);
    asm.jne(row);
    asm.leave(registers);
    return asm.finish("rows-" + operation.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  }
}
