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

/**
 * One query times keys where they lie: {@code out[k] = Σd query[d] keys[k][d]}. Eight keys at a
 * time; keys that are left, one by one.
 */
final class KeyDotsKernel {
  /** What the dimension must be a multiple of. */
  static final int STEP = 8;

  /** Keys at a time. */
  private static final int KEYS = 8;

  private final MemorySegment code = CodeMemory.install(assemble());

  /**
   * @param query [dim]
   * @param keys [count][dim], {@code stride} bytes apart
   * @param out [count]
   */
  void run(
      MemorySegment query,
      MemorySegment keys,
      long stride,
      long count,
      long dim,
      MemorySegment out) {
    if (count <= 0 || dim <= 0 || dim % STEP != 0) {
      throw new IllegalArgumentException("count=" + count + ", dim=" + dim);
    }
    Segments.require(query, 1, 0, dim * Float.BYTES);
    Segments.require(keys, count, stride, dim * Float.BYTES);
    Segments.require(out, 1, 0, count * Float.BYTES);
    CodeMemory.call(code, address(query), address(keys), stride, count, dim, address(out));
  }

  static Assembly assemble() {
    return new Writer().write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.YMM);
    private final Gpr query = registers.argument("query");
    private final Gpr keys = registers.argument("keys");
    private final Gpr stride = registers.argument("stride");
    private final Gpr count = registers.argument("count");
    private final Gpr dim = registers.argument("dim");
    private final Gpr out = registers.argument("out");
    private final Gpr key0 = registers.gpr("key 0");
    private final Gpr key3 = registers.gpr("key 3");
    private final Gpr key6 = registers.gpr("key 6");
    private final Gpr q = registers.gpr("query at the step");
    private final Gpr left = registers.gpr("left of the dimension");
    private final Vec[] sums = registers.vecs("sum", KEYS);
    private final Vec numbers = registers.vec("numbers of the query");
    private final Vec other = registers.vec("other");

    Assembly write() {
      Label few = new Label();
      Label end = new Label();
      asm.enter(registers);
      asm.sub(count, KEYS);
      asm.jl(few);
      Label loop = asm.here();
      eightKeys();
      asm.lea(keys, Memory.at(keys, stride, KEYS, 0));
      asm.add(out, KEYS * Float.BYTES);
      asm.sub(count, KEYS);
      asm.jge(loop);
      asm.bind(few);
      asm.add(count, KEYS);
      asm.je(end);
      Label one = asm.here();
      oneKey();
      asm.add(keys, stride);
      asm.add(out, Float.BYTES);
      asm.sub(count, 1);
      asm.jne(one);
      asm.bind(end);
      asm.leave(registers);
      return asm.finish("key-dots");
    }

    private void eightKeys() {
      asm.mov(key0, keys);
      asm.lea(key3, Memory.at(key0, stride, 2, 0));
      asm.add(key3, stride);
      asm.lea(key6, Memory.at(key3, stride, 2, 0));
      asm.add(key6, stride);
      Memory[] eight = {
        Memory.at(key0, 0),
        Memory.at(key0, stride, 1, 0),
        Memory.at(key0, stride, 2, 0),
        Memory.at(key3, 0),
        Memory.at(key0, stride, 4, 0),
        Memory.at(key3, stride, 2, 0),
        Memory.at(key6, 0),
        Memory.at(key6, stride, 1, 0)
      };
      products(eight, key0, key3, key6);
      asm.vmovups(Memory.at(out, 0), total());
    }

    private void oneKey() {
      asm.mov(key0, keys);
      products(new Memory[] {Memory.at(key0, 0)}, key0);
      FunctionWriter.across(asm, sums[0], other, () -> asm.vaddps(sums[0], sums[0], other));
      asm.vmovss(Memory.at(out, 0), sums[0]);
    }

    /** Each key's products with the query, eight sums for each. */
    private void products(Memory[] of, Gpr... pointers) {
      for (int i = 0; i < of.length; i++) {
        asm.vxorps(sums[i], sums[i], sums[i]);
      }
      asm.mov(q, query);
      asm.mov(left, dim);
      Label loop = asm.here();
      asm.vmovups(numbers, Memory.at(q, 0));
      for (int i = 0; i < of.length; i++) {
        asm.vfmadd231ps(sums[i], numbers, of[i]);
      }
      asm.add(q, STEP * Float.BYTES);
      for (Gpr pointer : pointers) {
        asm.add(pointer, STEP * Float.BYTES);
      }
      asm.sub(left, STEP);
      asm.jne(loop);
    }

    /** One vector of what each sum comes to. */
    private Vec total() {
      for (int i = 0; i < KEYS; i += 2) {
        asm.vunpcklps(other, sums[i], sums[i + 1]);
        asm.vunpckhps(sums[i], sums[i], sums[i + 1]);
        asm.vaddps(sums[i], sums[i], other); // two numbers each of i and i + 1, in each half
      }
      for (int i = 0; i < KEYS; i += 4) {
        asm.vshufps(other, sums[i], sums[i + 2], 0x44);
        asm.vshufps(sums[i], sums[i], sums[i + 2], 0xEE);
        asm.vaddps(sums[i], sums[i], other); // one each of i .. i + 3, in each half
      }
      asm.vperm2f128(other, sums[0], sums[4], 0x20);
      asm.vperm2f128(sums[0], sums[0], sums[4], 0x31);
      asm.vaddps(sums[0], sums[0], other);
      return sums[0];
    }
  }
}
