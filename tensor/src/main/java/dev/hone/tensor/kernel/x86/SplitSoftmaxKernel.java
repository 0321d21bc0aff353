package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.SoftmaxKernel.Range;
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
import java.util.Arrays;

/**
 * {@link SoftmaxKernel} for products by tiles: scores count powers of two, {@code 2^(score -
 * largest)}, and the weights stand beside them in the parts that {@link SplitProductKernel} reads
 * as rows. States are the same.
 */
final class SplitSoftmaxKernel {
  private final int parts;
  private final MemorySegment code;

  /** Of weights in so many parts, each of eight bits. */
  SplitSoftmaxKernel(int parts) {
    this.parts = parts;
    code = CodeMemory.install(assemble(parts));
  }

  /**
   * @param scores [rows][width], {@code stride} bytes apart; those at a range's edges are changed
   * @param width a multiple of 32
   * @param states [rows]
   * @param fresh whether rows have seen no scores before: states may then be anything
   * @param weights rows of parts, {@code weightStride} bytes apart
   */
  void run(
      MemorySegment scores,
      long stride,
      long rows,
      long width,
      Range range,
      MemorySegment states,
      boolean fresh,
      MemorySegment weights,
      long weightStride) {
    if (rows <= 0
        || width <= 0
        || width % SplitParts.STEP != 0
        || range.count() > width
        || Math.abs(range.first()) > Integer.MAX_VALUE
        || Math.abs(range.end()) > Integer.MAX_VALUE) {
      throw new IndexOutOfBoundsException("rows=" + rows + ", width=" + width + ", " + range);
    }
    Segments.require(scores, rows, stride, width * Float.BYTES);
    Segments.require(states, rows, SoftmaxKernel.STATE_BYTES, SoftmaxKernel.STATE_BYTES);
    Segments.require(
        weights, rows, weightStride, width / SplitParts.STEP * parts * SplitParts.BYTES);
    CodeMemory.call(
        code,
        address(scores),
        stride,
        rows,
        width,
        address(states),
        range.first(),
        address(weights),
        weightStride,
        range.end(),
        range.count(),
        fresh ? 1L : 0L);
  }

  static Assembly assemble(int parts) {
    return new Writer(parts).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private static final int GROUP = SplitParts.STEP;
    private static final int GROUP_BYTES = GROUP * Float.BYTES;
    private static final int BYTES = Width.ZMM.bytes();

    /** 2^x on [0, 1] with the least relative error, 8e-8; highest power first. */
    private static final float[] POWER = {
      0.0018775767f, 0.008989341f, 0.055826318f, 0.24015361f, 0.6931531f, 0.99999994f
    };

    /** The same for weights of one part, 1e-4. */
    private static final float[] ROUGH_POWER = {0.07802452f, 0.22606716f, 0.69583356f, 0.9999252f};

    private final int parts;
    private final int weightBytes;
    private final float[] powers;
    private final Vec[] power;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final Gpr scores = registers.argument("scores");
    private final Gpr stride = registers.argument("stride");
    private final Gpr rows = registers.argument("rows");
    private final Gpr width = registers.argument("width");
    private final Gpr state = registers.argument("state");
    private final Gpr first = registers.argument("first");
    private final Gpr weights = registers.gpr("weights");
    private final Gpr end = registers.gpr("end");
    private final Gpr from = registers.gpr("from");
    private final Gpr last = registers.gpr("last");
    private final Gpr at = registers.gpr("at");
    private final Gpr to = registers.gpr("to");
    private final Gpr edge = registers.gpr("edge");
    private final Gpr kept = registers.gpr("kept");
    private final Gpr left = registers.gpr("rows left");
    private final Vec[] x = registers.vecs("x", 2);
    private final Vec[] fraction = registers.vecs("fraction", 2);
    private final Vec[] p = registers.vecs("p", 2);
    private final Vec[] sums = registers.vecs("sum", 2);
    private final Vec largest = registers.vec("largest");
    private final Vec old = registers.vec("largest before");
    private final Vec other = registers.vec("other");
    private final Vec one = registers.vec("one");
    private final Vec zero = registers.vec("zero");
    private final Vec least = registers.vec("-infinity");
    private final SplitParts split = new SplitParts(asm, registers);

    Writer(int parts) {
      this.parts = parts;
      weightBytes = parts * SplitParts.BYTES;
      powers = parts == 1 ? ROUGH_POWER : POWER;
      power = registers.vecs("power", powers.length);
    }

    Assembly write() {
      asm.enter(registers);
      split.begin(at);
      asm.lea(at, asm.constant(powers));
      for (int i = 0; i < powers.length; i++) {
        asm.vbroadcastss(power[i], Memory.at(at, i * Float.BYTES));
      }
      asm.lea(at, asm.constant(Float.NEGATIVE_INFINITY, 1));
      asm.vbroadcastss(least, Memory.at(at, 0));
      asm.vbroadcastss(one, Memory.at(at, Float.BYTES));
      asm.vxorps(zero, zero, zero);
      asm.lea(kept, asm.constant(edges()));
      asm.mov(weights, stackArgument(0));
      asm.mov(stackArgument(0), scores);
      asm.mov(end, stackArgument(2));
      Label seen = new Label();
      asm.mov(at, stackArgument(4));
      asm.test(at, at);
      asm.je(seen);
      clear();
      asm.bind(seen);
      eachRow(this::rise);
      asm.mov(scores, stackArgument(0));
      asm.mov(at, rows);
      asm.neg(at);
      asm.add(first, at);
      asm.add(end, at);
      asm.shl(at, Integer.numberOfTrailingZeros(SoftmaxKernel.STATE_BYTES));
      asm.add(state, at);
      eachRow(this::weigh);
      asm.leave(registers);
      return asm.finish("softmax-split-" + parts);
    }

    private Memory stackArgument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    /** States of rows that have seen nothing. */
    private void clear() {
      asm.mov(at, state);
      asm.mov(edge, rows);
      Label loop = asm.here();
      asm.vmovss(Memory.at(at, SoftmaxKernel.LARGEST), least);
      asm.vmovss(Memory.at(at, SoftmaxKernel.SUM), zero);
      asm.add(at, SoftmaxKernel.STATE_BYTES);
      asm.sub(edge, 1);
      asm.jne(loop);
    }

    /**
     * All rows in one step before all of them take the next: a row's steps wait for each other, and
     * a processor looks only so far ahead.
     */
    private void eachRow(Runnable step) {
      asm.mov(left, rows);
      Label row = asm.here();
      range();
      step.run();
      asm.add(scores, stride);
      asm.add(state, SoftmaxKernel.STATE_BYTES);
      asm.add(first, 1);
      asm.add(end, 1);
      asm.sub(left, 1);
      asm.jne(row);
    }

    /** The row's own range, from and to which scores. */
    private void range() {
      Label begun = new Label();
      Label ended = new Label();
      asm.mov(from, first);
      asm.cmp(from, 0);
      asm.jge(begun);
      asm.mov(from, 0);
      asm.bind(begun);
      asm.mov(last, stackArgument(3));
      asm.cmp(last, end);
      asm.jle(ended);
      asm.mov(last, end);
      asm.bind(ended);
    }

    /** A group of each: what lies before, in and behind a range. All bits, or none. */
    private static float[] edges() {
      float[] table = new float[3 * GROUP];
      Arrays.fill(table, GROUP, 2 * GROUP, Float.intBitsToFloat(-1));
      return table;
    }

    /** Makes -∞ of what lies outside of a range in its first and its last group. */
    private void cut() {
      asm.mov(edge, from);
      asm.and(edge, GROUP - 1);
      asm.lea(at, Memory.at(last, -1));
      asm.and(at, GROUP - 1);
      asm.add(at, 1);
      groups();
      drop(from, edge, 0);
      drop(last, at, GROUP_BYTES);
    }

    /** Makes addresses of a range: those of its first and its last group. */
    private void groups() {
      asm.and(from, -GROUP);
      asm.lea(from, Memory.at(scores, from, Float.BYTES, 0));
      asm.sub(last, 1);
      asm.and(last, -GROUP);
      asm.lea(last, Memory.at(scores, last, Float.BYTES, 0));
    }

    /** So many numbers of a group are before its range's begin, or before its end. */
    private void drop(Gpr group, Gpr count, int table) {
      asm.shl(count, 2);
      asm.neg(count);
      for (int i = 0; i < 2; i++) {
        Memory numbers = Memory.at(group, i * BYTES);
        asm.vmovups(other, Memory.at(kept, count, 1, GROUP_BYTES + table + i * BYTES));
        asm.vandps(x[i], other, numbers);
        asm.vandnps(other, other, least);
        asm.vaddps(x[i], x[i], other);
        asm.vmovups(numbers, x[i]);
      }
    }

    /** The largest score so far, and by what that scales earlier weights. */
    private void rise() {
      Label some = new Label();
      Label end = new Label();
      asm.cmp(from, last);
      asm.jl(some);
      asm.vmovss(Memory.at(state, SoftmaxKernel.FACTOR), one);
      asm.jmp(end);
      asm.bind(some);
      cut();
      asm.vbroadcastss(old, Memory.at(state, SoftmaxKernel.LARGEST));
      asm.vmovups(p[0], Memory.at(from, 0));
      asm.vmovups(p[1], Memory.at(from, BYTES));
      asm.mov(edge, from);
      Label done = new Label();
      Label loop = asm.here();
      asm.add(edge, GROUP_BYTES);
      asm.cmp(edge, last);
      asm.jg(done);
      asm.vmaxps(p[0], p[0], Memory.at(edge, 0));
      asm.vmaxps(p[1], p[1], Memory.at(edge, BYTES));
      asm.jmp(loop);
      asm.bind(done);
      asm.vmaxps(p[0], p[0], p[1]);
      across(p[0], () -> asm.vmaxps(p[0], p[0], other));
      asm.vmaxps(largest, p[0], old);
      asm.vmovss(Memory.at(state, SoftmaxKernel.LARGEST), largest);
      Label fresh = new Label();
      asm.vmovups(p[0], zero);
      asm.mov(edge, stackArgument(4));
      asm.test(edge, edge);
      asm.jne(fresh);
      asm.vsubps(x[0], old, largest);
      power(1);
      asm.bind(fresh);
      asm.vbroadcastss(old, Memory.at(state, SoftmaxKernel.SUM));
      asm.vmulps(old, old, p[0]);
      asm.vmovss(Memory.at(state, SoftmaxKernel.SUM), old);
      asm.vmovss(Memory.at(state, SoftmaxKernel.FACTOR), p[0]);
      asm.bind(end);
    }

    /** {@code p = 2^x}; of -∞ it is 0. */
    private void power(int n) {
      for (int i = 0; i < n; i++) {
        asm.vreduceps(fraction[i], x[i]);
      }
      for (int i = 0; i < n; i++) {
        asm.vmovups(p[i], power[0]);
      }
      for (int k = 1; k < powers.length; k++) {
        for (int i = 0; i < n; i++) {
          asm.vfmadd213ps(p[i], fraction[i], power[k]);
        }
      }
      for (int i = 0; i < n; i++) {
        asm.vscalefps(p[i], p[i], x[i]);
      }
    }

    /** Makes weights of scores, zeros outside of a range. */
    private void weigh() {
      Label rest = new Label();
      asm.mov(at, scores);
      asm.mov(to, weights);
      asm.cmp(from, last);
      asm.jge(rest);
      groups();
      zeros(from);
      asm.vbroadcastss(largest, Memory.at(state, SoftmaxKernel.LARGEST));
      asm.vxorps(sums[0], sums[0], sums[0]);
      asm.vxorps(sums[1], sums[1], sums[1]);
      Label loop = asm.here();
      for (int i = 0; i < 2; i++) {
        asm.vmovups(x[i], Memory.at(at, i * BYTES));
        asm.vsubps(x[i], x[i], largest);
      }
      power(2);
      for (int i = 0; i < 2; i++) {
        asm.vaddps(sums[i], sums[i], p[i]);
      }
      split.store(p[0], p[1], x[0], x[1], parts, Memory.at(to, 0));
      asm.add(at, GROUP_BYTES);
      asm.add(to, weightBytes);
      asm.cmp(at, last);
      asm.jle(loop);
      asm.vaddps(sums[0], sums[0], sums[1]);
      across(sums[0], () -> asm.vaddps(sums[0], sums[0], other));
      asm.vbroadcastss(old, Memory.at(state, SoftmaxKernel.SUM));
      asm.vaddps(sums[0], sums[0], old);
      asm.vmovss(Memory.at(state, SoftmaxKernel.SUM), sums[0]);
      asm.bind(rest);
      asm.lea(edge, Memory.at(scores, width, Float.BYTES, 0));
      zeros(edge);
      asm.add(weights, stackArgument(1));
    }

    /** Weights of groups up to an address in the scores. */
    private void zeros(Gpr end) {
      Label done = new Label();
      Label loop = asm.here();
      asm.cmp(at, end);
      asm.jge(done);
      for (int part = 0; part < parts; part++) {
        asm.vmovups(Memory.at(to, part * SplitParts.BYTES), zero);
      }
      asm.add(at, GROUP_BYTES);
      asm.add(to, weightBytes);
      asm.jmp(loop);
      asm.bind(done);
    }

    /** What {@code join} makes of all numbers of a vector, in every place. */
    private void across(Vec vec, Runnable join) {
      asm.vshuff32x4(other, vec, vec, 0x4E);
      join.run();
      asm.vshuff32x4(other, vec, vec, 0xB1);
      join.run();
      asm.vshufps(other, vec, vec, 0x4E);
      join.run();
      asm.vshufps(other, vec, vec, 0xB1);
      join.run();
    }
  }
}
