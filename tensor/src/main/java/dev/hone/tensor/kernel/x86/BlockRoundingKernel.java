package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.x86.BlockForm.Arithmetic;
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
import java.util.Locale;

/**
 * Rounds rows of floats to blocks of integers ({@link Input#BLOCK_INT8}): what {@link
 * BlockProductKernel} reads.
 *
 * <pre>
 *   block  | 32 numbers, bytes or words | scale F32 | correction |
 *
 *   correction   what the sums of a block begin with, instead of taking the middle from each weight:
 *     of 32 bits   -middle Σk q          of twice 16 bits   -middle Σ q, over k % 4 = 0, 1 and 2, 3
 *     F32          scale Σk q: what a shift is multiplied with
 * </pre>
 */
final class BlockRoundingKernel {
  private static final Width WIDTH = Width.YMM;

  /**
   * @param middle what is taken from each integer of a weight; 0 where there are shifts
   */
  record Form(Arithmetic arithmetic, int middle, boolean shifted) {
    static Form of(BlockForm product) {
      return new Form(product.arithmetic(), product.middle(), product.shifted());
    }

    int blockBytes() {
      return Input.BLOCK * arithmetic.rowBytes() + BlockForm.ROW_FACTORS;
    }

    @Override
    public String toString() {
      String name = arithmetic + "-" + (shifted ? "shifts" : "middle" + middle);
      return name.toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private final Form form;
  private final MemorySegment code;

  BlockRoundingKernel(Form form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
  }

  /**
   * @param x [rows][32 * blocks], {@code stride} bytes apart
   * @param out [blocks][rows]: the first block of each row, the second of each, ...
   */
  void run(MemorySegment x, long stride, long rows, long blocks, MemorySegment out) {
    if (rows <= 0 || blocks <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", blocks=" + blocks);
    }
    Segments.require(x, rows, stride, blocks * Input.BLOCK * Float.BYTES);
    long outStride = rows * form.blockBytes();
    Segments.require(out, blocks, outStride, outStride);
    CodeMemory.call(code, address(x), address(out), rows, blocks, stride, outStride);
  }

  static Assembly assemble(Form form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    /** Vectors of a block. */
    private static final int VECTORS = Input.BLOCK / WIDTH.floats();

    private static final int STEPS = 0;
    private static final int LEAST = 1;
    private static final int MAGNITUDE = 2;
    private static final int ONE_WORDS = 3;
    private static final int MIDDLE_BYTES = 4;
    private static final int ORDER = 5;

    private final Form form;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(WIDTH);
    private final Gpr x = registers.argument("x");
    private final Gpr outRow = registers.argument("out of the row");
    private final Gpr rows = registers.argument("rows");
    private final Gpr blocks = registers.argument("blocks");
    private final Gpr stride = registers.argument("stride");
    private final Gpr outStride = registers.argument("stride of out");
    private final Gpr out = registers.gpr("out");
    private final Gpr from = registers.gpr("from");
    private final Gpr left = registers.gpr("left");
    private final Gpr constants = registers.gpr("constants");
    private final Vec[] q = registers.vecs("numbers", VECTORS);
    private final Vec most = registers.vec("largest magnitude");
    private final Vec other = registers.vec("other");
    private final Vec scale = registers.vec("scale");
    private final Vec inverse = registers.vec("inverse");
    private final Vec sum = registers.vec("sum");
    private final Label table = new Label();

    Writer(Form form) {
      this.form = form;
    }

    Assembly write() {
      asm.enter(registers);
      asm.lea(constants, table);
      Label row = asm.here();
      asm.mov(from, x);
      asm.mov(out, outRow);
      asm.mov(left, blocks);
      Label block = asm.here();
      grid();
      integers();
      correction();
      asm.add(from, Input.BLOCK * Float.BYTES);
      asm.add(out, outStride);
      asm.sub(left, 1);
      asm.jne(block);
      asm.add(x, stride);
      asm.add(outRow, form.blockBytes());
      asm.sub(rows, 1);
      asm.jne(row);
      asm.leave(registers);
      asm.constant(table, constants());
      return asm.finish("round-blocks-" + form);
    }

    private float[] constants() {
      int middle = form.shifted() ? 1 : form.middle();
      int[][] vectors = {
        all(Float.floatToRawIntBits(Input.BLOCK_STEPS)),
        all(Float.floatToRawIntBits(Float.MIN_NORMAL)),
        all(0x7FFFFFFF),
        all(0x00010001),
        all(middle * 0x01010101),
        {0, 4, 1, 5, 2, 6, 3, 7}
      };
      float[] floats = new float[vectors.length * WIDTH.floats()];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = Float.intBitsToFloat(vectors[i / WIDTH.floats()][i % WIDTH.floats()]);
      }
      return floats;
    }

    private static int[] all(int value) {
      int[] all = new int[WIDTH.floats()];
      java.util.Arrays.fill(all, value);
      return all;
    }

    private Memory constant(int index) {
      return Memory.at(constants, index * WIDTH.bytes());
    }

    /**
     * Scale and its inverse. Magnitudes are compared as integers: so the bits of a NaN are above
     * all numbers', and a block with one becomes NaN.
     */
    private void grid() {
      for (int v = 0; v < VECTORS; v++) {
        asm.vmovups(q[v], Memory.at(from, v * WIDTH.bytes()));
        Vec magnitude = v == 0 ? most : other;
        asm.vandps(magnitude, q[v], constant(MAGNITUDE));
        if (v > 0) {
          asm.vpmaxsd(most, most, other);
        }
      }
      FunctionWriter.across(asm, most, other, () -> asm.vpmaxsd(most, most, other));
      asm.vmovups(inverse, constant(STEPS));
      asm.vdivps(scale, most, inverse);
      asm.vdivps(inverse, inverse, most);
      asm.vcmpnltps(most, most, constant(LEAST));
      asm.vandps(inverse, inverse, most); // 0 where a block is nothing
      asm.vmovss(Memory.at(out, form.blockBytes() - BlockForm.ROW_FACTORS), scale);
    }

    /** Rounds, and writes the numbers: as words, or as bytes. */
    private void integers() {
      for (int v = 0; v < VECTORS; v++) {
        asm.vmulps(q[v], q[v], inverse);
        asm.vcvtps2dq(q[v], q[v]);
      }
      for (int v = 0; v < VECTORS; v += 2) { // the halves of 128 bits are joined one by one
        asm.vpackssdw(q[v], q[v], q[v + 1]);
      }
      if (form.arithmetic() == Arithmetic.WORDS) {
        for (int v = 0; v < VECTORS; v += 2) {
          asm.vpermq(q[v], q[v], 0xD8);
          asm.vmovups(Memory.at(out, v / 2 * WIDTH.bytes()), q[v]);
        }
      } else {
        asm.vpacksswb(q[0], q[0], q[2]);
        asm.vmovups(other, constant(ORDER));
        asm.vpermd(q[0], other, q[0]);
        asm.vmovups(Memory.at(out, 0), q[0]);
      }
    }

    private void correction() {
      if (form.middle() == 0 && !form.shifted()) {
        return;
      }
      boolean words = form.arithmetic() == Arithmetic.WORDS;
      boolean pairs = form.arithmetic() == Arithmetic.NIBBLES && !form.shifted();
      if (words) {
        asm.vpmaddwd(sum, q[0], constant(ONE_WORDS));
        asm.vpmaddwd(other, q[2], constant(ONE_WORDS));
        asm.vpaddd(sum, sum, other);
      } else {
        asm.vmovups(sum, constant(MIDDLE_BYTES));
        asm.vpmaddubsw(sum, sum, q[0]);
      }
      if (pairs) {
        FunctionWriter.across(asm, sum, other, () -> asm.vpaddw(sum, sum, other));
        asm.vxorps(other, other, other);
        asm.vpsubw(sum, other, sum);
      } else {
        if (!words) {
          asm.vpmaddwd(sum, sum, constant(ONE_WORDS));
        }
        FunctionWriter.across(asm, sum, other, () -> asm.vpaddd(sum, sum, other));
        if (form.shifted()) {
          asm.vcvtdq2ps(sum, sum);
          asm.vmulps(sum, sum, scale);
        } else {
          asm.vxorps(other, other, other);
          asm.vpsubd(sum, other, sum);
        }
      }
      asm.vmovss(Memory.at(out, form.blockBytes() - Float.BYTES), sum);
    }
  }
}
