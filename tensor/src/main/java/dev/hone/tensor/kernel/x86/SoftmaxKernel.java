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
import java.util.Arrays;

/**
 * Makes rows of scores weights, relative to the largest score that a row has seen so far. Milakov,
 * Gimelshein, "Online normalizer calculation for softmax", algorithm 3, block by block.
 *
 * <pre>
 *   state of a row   | largest score F32 | sum of weights F32 | factor F32 | unused |
 * </pre>
 *
 * Of row r the scores {@code max(0, first + r) .. min(count, end + r)} become {@code exp(scale
 * (score - largest))}, all others 0. What was mixed with earlier weights must be multiplied by
 * {@code factor}, for the largest score may have risen; the sum has been already.
 */
final class SoftmaxKernel {
  static final int STATE_BYTES = 16;
  static final int LARGEST = 0;
  static final int SUM = 4;
  static final int FACTOR = 8;

  private final MemorySegment code = CodeMemory.install(assemble());

  /**
   * Which scores of the rows count.
   *
   * @param first of the first row; of each row below it one more
   * @param end of the first row; of each row below it one more
   * @param count no row has more
   */
  record Range(long first, long end, long count) {}

  /**
   * @param scores [rows][width], {@code stride} bytes apart; those out of range may be anything
   * @param width a multiple of 8
   * @param states [rows]
   * @param fresh whether rows have seen no scores before: states may then be anything
   */
  void run(
      MemorySegment scores,
      long stride,
      long rows,
      long width,
      Range range,
      float scale,
      MemorySegment states,
      boolean fresh) {
    if (rows <= 0
        || width <= 0
        || width % FunctionWriter.WIDTH.floats() != 0
        || range.count() > width
        || Math.abs(range.first()) > Integer.MAX_VALUE
        || Math.abs(range.end()) > Integer.MAX_VALUE) {
      throw new IndexOutOfBoundsException("rows=" + rows + ", width=" + width + ", " + range);
    }
    Segments.require(scores, rows, stride, width * Float.BYTES);
    Segments.require(states, rows, STATE_BYTES, STATE_BYTES);
    long scaleBits = Float.floatToRawIntBits(scale);
    CodeMemory.call(
        code,
        address(scores),
        stride,
        rows,
        width,
        address(states),
        range.first(),
        range.end(),
        range.count(),
        scaleBits,
        fresh ? 1L : 0L);
  }

  static Assembly assemble() {
    return new Writer().write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer extends FunctionWriter {
    private static final int BYTES = WIDTH.bytes();

    /** Weights below are none: {@code exp(-80)}. */
    private static final float NEGLIGIBLE = 1.8e-35f;

    private final Gpr scores = registers.argument("scores");
    private final Gpr stride = registers.argument("stride");
    private final Gpr rows = registers.argument("rows");
    private final Gpr width = registers.argument("width");
    private final Gpr state = registers.argument("state");
    private final Gpr first = registers.argument("first");
    private final Gpr end = registers.gpr("end");
    private final Gpr from = registers.gpr("from");
    private final Gpr last = registers.gpr("last");
    private final Gpr at = registers.gpr("at");
    private final Gpr edge = registers.gpr("edge");
    private final Gpr kept = registers.gpr("kept");
    private final Gpr dropped = registers.gpr("dropped");
    private final Vec largest = registers.vec("largest");
    private final Vec sum = registers.vec("sum");
    private final Vec scale = registers.vec("scale");

    Writer() {
      super(WIDTH);
    }

    Assembly write() {
      begin();
      asm.lea(kept, asm.constant(edges(0, Float.intBitsToFloat(-1), 0)));
      asm.lea(dropped, asm.constant(edges(Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY)));
      asm.vbroadcastss(scale, stackArgument(2));
      asm.mov(end, stackArgument(0));
      asm.mov(at, stackArgument(3));
      asm.test(at, at);
      Label seen = new Label();
      asm.je(seen);
      clear();
      asm.bind(seen);
      Label nothing = new Label();
      Label next = new Label();
      Label row = asm.here();
      range();
      asm.cmp(from, last);
      asm.jge(nothing);
      edges();
      rise();
      weigh();
      outside();
      asm.jmp(next);
      asm.bind(nothing);
      load(x[0], 1);
      asm.vmovss(Memory.at(state, FACTOR), x[0]);
      asm.mov(from, scores);
      asm.lea(edge, Memory.at(scores, width, Float.BYTES, 0));
      zeros(from, edge);
      asm.bind(next);
      asm.add(scores, stride);
      asm.add(state, STATE_BYTES);
      asm.add(first, 1);
      asm.add(end, 1);
      asm.sub(rows, 1);
      asm.jne(row);
      return end("softmax");
    }

    private Memory stackArgument(int index) {
      return Assembler.stackArgument(registers, Registers.ARGUMENTS.size() + index);
    }

    /** States of rows that have seen nothing. */
    private void clear() {
      load(x[0], Float.NEGATIVE_INFINITY);
      asm.vxorps(x[1], x[1], x[1]);
      asm.mov(at, state);
      asm.mov(edge, rows);
      Label loop = asm.here();
      asm.vmovss(Memory.at(at, LARGEST), x[0]);
      asm.vmovss(Memory.at(at, SUM), x[1]);
      asm.add(at, STATE_BYTES);
      asm.sub(edge, 1);
      asm.jne(loop);
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
      asm.mov(last, stackArgument(1));
      asm.cmp(last, end);
      asm.jle(ended);
      asm.mov(last, end);
      asm.bind(ended);
    }

    /** A vector of each: what lies before, in and behind a range. */
    private static float[] edges(float before, float in, float behind) {
      float[] table = new float[3 * WIDTH.floats()];
      Arrays.fill(table, 0, WIDTH.floats(), before);
      Arrays.fill(table, WIDTH.floats(), 2 * WIDTH.floats(), in);
      Arrays.fill(table, 2 * WIDTH.floats(), table.length, behind);
      return table;
    }

    /**
     * Makes addresses of the first and the last vector of a row's range, and what they hold outside
     * of it -∞.
     */
    private void edges() {
      asm.mov(edge, from);
      asm.and(edge, WIDTH.floats() - 1);
      asm.and(from, -WIDTH.floats());
      asm.lea(from, Memory.at(scores, from, Float.BYTES, 0));
      drop(from, 0);
      asm.sub(last, 1);
      asm.mov(edge, last);
      asm.and(edge, WIDTH.floats() - 1);
      asm.add(edge, 1);
      asm.and(last, -WIDTH.floats());
      asm.lea(last, Memory.at(scores, last, Float.BYTES, 0));
      drop(last, BYTES);
    }

    /** {@code edge} numbers of a vector are before its range's begin, or before its end. */
    private void drop(Gpr vector, int table) {
      asm.shl(edge, 2);
      asm.neg(edge);
      asm.vmovups(x[0], Memory.at(kept, edge, 1, BYTES + table));
      asm.vandps(x[0], x[0], Memory.at(vector, 0));
      asm.vaddps(x[0], x[0], Memory.at(dropped, edge, 1, BYTES + table));
      asm.vmovups(Memory.at(vector, 0), x[0]);
    }

    /** Goes through a row's range: four vectors at a time, then one. */
    private void eachVectors(java.util.function.IntConsumer work) {
      Label ones = new Label();
      Label done = new Label();
      int four = SIDE_BY_SIDE * BYTES;
      asm.mov(at, from);
      asm.lea(edge, Memory.at(last, BYTES - four)); // the last place that four can begin at
      asm.cmp(at, edge);
      asm.jg(ones);
      Label loop = asm.here();
      work.accept(SIDE_BY_SIDE);
      asm.add(at, four);
      asm.cmp(at, edge);
      asm.jle(loop);
      asm.bind(ones);
      asm.cmp(at, last);
      asm.jg(done);
      Label one = asm.here();
      work.accept(1);
      asm.add(at, BYTES);
      asm.cmp(at, last);
      asm.jle(one);
      asm.bind(done);
    }

    /** The largest score so far, and by what that scales earlier weights. */
    private void rise() {
      for (int i = 0; i < SIDE_BY_SIDE; i++) {
        asm.vbroadcastss(p[i], Memory.at(state, LARGEST));
      }
      eachVectors(
          n -> {
            for (int i = 0; i < n; i++) {
              asm.vmaxps(p[i], p[i], Memory.at(at, i * BYTES));
            }
          });
      asm.vmaxps(p[0], p[0], p[1]);
      asm.vmaxps(p[2], p[2], p[3]);
      asm.vmaxps(largest, p[0], p[2]);
      across(largest, x[0], () -> asm.vmaxps(largest, largest, x[0]));
      asm.vbroadcastss(x[0], Memory.at(state, LARGEST));
      asm.vsubps(x[0], x[0], largest);
      asm.vmulps(x[0], x[0], scale);
      exp(1);
      asm.vbroadcastss(t[0], Memory.at(state, SUM));
      asm.vmulps(t[0], t[0], p[0]);
      asm.vmovss(Memory.at(state, LARGEST), largest);
      asm.vmovss(Memory.at(state, SUM), t[0]);
      asm.vmovss(Memory.at(state, FACTOR), p[0]);
    }

    private void weigh() {
      asm.vxorps(sum, sum, sum);
      eachVectors(
          n -> {
            for (int i = 0; i < n; i++) {
              asm.vmovups(x[i], Memory.at(at, i * BYTES));
              asm.vsubps(x[i], x[i], largest);
              asm.vmulps(x[i], x[i], scale);
            }
            exp(n);
            load(constant, NEGLIGIBLE);
            for (int i = 0; i < n; i++) {
              asm.vcmpnltps(t[i], p[i], constant);
              asm.vandps(p[i], p[i], t[i]);
              asm.vmovups(Memory.at(at, i * BYTES), p[i]);
              asm.vaddps(sum, sum, p[i]);
            }
          });
      across(sum, x[0], () -> asm.vaddps(sum, sum, x[0]));
      asm.vbroadcastss(x[0], Memory.at(state, SUM));
      asm.vaddps(sum, sum, x[0]);
      asm.vmovss(Memory.at(state, SUM), sum);
    }

    /** Zeros before and behind the vectors of the range. */
    private void outside() {
      asm.mov(at, scores);
      zeros(at, from);
      asm.lea(at, Memory.at(last, BYTES));
      asm.lea(edge, Memory.at(scores, width, Float.BYTES, 0));
      zeros(at, edge);
    }

    private void zeros(Gpr begin, Gpr end) {
      Label done = new Label();
      asm.vxorps(x[0], x[0], x[0]);
      asm.cmp(begin, end);
      asm.jge(done);
      Label loop = asm.here();
      asm.vmovups(Memory.at(begin, 0), x[0]);
      asm.add(begin, BYTES);
      asm.cmp(begin, end);
      asm.jl(loop);
      asm.bind(done);
    }
  }
}
