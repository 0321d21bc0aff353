package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.kernel.panels.DotPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Rounds rows of floats to integers of 8 bits, each row on a grid of its own or all on the first
 * one's, which is given then ({@link Input}): what the product by tiles of {@link AmxForm#INT8}
 * reads.
 *
 * <pre>
 *   out    [32 rows][step of 64 numbers][row] of 64 bytes q
 *   grids  [row] of a scale and a zero with the opposite sign
 * </pre>
 */
final class AmxRoundingKernel {
  private static final AmxForm FORM = AmxForm.INT8;

  private final boolean given;
  private final MemorySegment code;

  AmxRoundingKernel(Input input) {
    given = input instanceof StaticInt8;
    code = CodeMemory.install(assemble(input));
  }

  /**
   * @param x [rows][cols], {@code stride} bytes apart
   * @param out {@link AmxForm#rowsBytes}; rows behind the last one's are left as they are
   * @param grids [rows] of {@link Grids#BYTES}; of {@link StaticInt8} the first is read
   * @param inverses {@link DotPanels}
   */
  void run(
      MemorySegment x,
      long stride,
      long rows,
      long cols,
      MemorySegment out,
      MemorySegment grids,
      MemorySegment inverses) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    long steps = FORM.steps(cols);
    Segments.require(x, rows, stride, cols * Float.BYTES);
    Segments.require(out, 1, 0, FORM.rowsBytes(rows, steps));
    Segments.require(grids, rows, Grids.BYTES, Grids.BYTES);
    if (given) {
      Segments.require(inverses, 1, 0, steps * FORM.depth() * Float.BYTES);
    }
    CodeMemory.call(
        code,
        address(x),
        address(out),
        rows,
        cols,
        stride,
        FORM.gap(steps),
        address(grids),
        address(inverses));
  }

  static Assembly assemble(Input input) {
    return new Writer(input).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private static final int VECTORS = AmxForm.ROW_BYTES / Width.ZMM.floats();

    /** Four vectors packed to bytes have each its four bytes in every 128 bits: back in order. */
    private static final float[] ORDER = new float[Width.ZMM.floats()];

    static {
      for (int i = 0; i < ORDER.length; i++) {
        ORDER[i] = Float.intBitsToFloat(i % VECTORS * VECTORS + i / VECTORS);
      }
    }

    private final Input input;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final TileRowsWriter rows;
    private final Gpr grids = registers.gpr("grids");
    private final Gpr inverses = registers.gpr("inverses");
    private final GridWriter grid;
    private final Vec least;
    private final Vec most;
    private final Vec noNumber;
    private final Vec nothing;
    private final Vec inverse;
    private final Vec zero;
    private final Vec order = registers.vec("order");
    private final Vec[] numbers = registers.vecs("numbers of a step", VECTORS);

    Writer(Input input) {
      this.input = input;
      rows = new TileRowsWriter(asm, registers, FORM);
      grid = new GridWriter(asm, registers, input, grids);
      least = wide(grid.least);
      most = wide(grid.most);
      noNumber = wide(grid.noNumber);
      nothing = wide(grid.nothing);
      inverse = wide(grid.inverse);
      zero = wide(grid.zero);
    }

    private static Vec wide(Vec vec) {
      return new Vec(Width.ZMM, vec.number());
    }

    private Assembly write() {
      rows.begin();
      asm.mov(grids, Assembler.stackArgument(registers, 6).plus(rows.room()));
      asm.lea(rows.from, asm.constant(ORDER));
      asm.vmovups(order, Memory.at(rows.from, 0));
      grid.begin();
      if (grid.given()) {
        widen();
      }
      rows.each(this::row);
      rows.leave();
      return grid.end("round-for-tiles-" + input.label());
    }

    private void row() {
      if (grid.given()) {
        asm.vxorps(noNumber, noNumber, noNumber);
        asm.mov(inverses, Assembler.stackArgument(registers, 7).plus(rows.room()));
        rows.steps(this::round);
        inHalves(noNumber, () -> asm.vaddps(noNumber, noNumber, numbers[0]));
        grid.storeGrid();
      } else {
        asm.vxorps(least, least, least);
        asm.vxorps(most, most, most);
        rows.steps(this::extremes);
        inHalves(least, () -> asm.vpmaxud(least, least, numbers[0]));
        inHalves(most, () -> asm.vpmaxsd(most, most, numbers[0]));
        grid.extremes();
        grid.grid();
        widen();
        rows.steps(this::round);
      }
      asm.add(grids, Grids.BYTES);
    }

    /** Joins a vector's upper half with its lower one. */
    private void inHalves(Vec vec, Runnable join) {
      asm.vshuff32x4(numbers[0], vec, vec, 0x4E);
      join.run();
    }

    private void extremes() {
      load();
      for (Vec vec : numbers) {
        asm.vpmaxud(least, least, vec); // the sign is the highest bit
        asm.vpmaxsd(most, most, vec);
      }
    }

    private void load() {
      for (int i = 0; i < VECTORS; i++) {
        asm.vmovups(numbers[i], Memory.at(rows.from, i * Width.ZMM.bytes()));
      }
    }

    /** What the grid has in 8 places, in 16. */
    private void widen() {
      for (Vec vec : List.of(least, most, inverse, zero)) {
        asm.vshuff32x4(vec, vec, vec, 0x44);
      }
    }

    private void round() {
      load();
      for (int i = 0; i < VECTORS; i++) {
        Vec vec = numbers[i];
        if (grid.given()) {
          asm.vfmadd231ps(noNumber, vec, nothing);
          asm.vmulps(vec, vec, Memory.at(inverses, i * Width.ZMM.bytes()));
        } else {
          asm.vmulps(vec, vec, inverse);
        }
        asm.vmaxps(vec, vec, least);
        asm.vminps(vec, vec, most);
        asm.vcvtps2dq(vec, vec);
        asm.vpaddd(vec, vec, zero);
      }
      asm.vpackssdw(numbers[0], numbers[0], numbers[1]);
      asm.vpackssdw(numbers[2], numbers[2], numbers[3]);
      asm.vpackuswb(numbers[0], numbers[0], numbers[2]);
      asm.vpermd(numbers[0], order, numbers[0]);
      asm.vmovups(Memory.at(rows.to, 0), numbers[0]);
      if (grid.given()) {
        asm.add(inverses, VECTORS * Width.ZMM.bytes());
      }
    }
  }
}
