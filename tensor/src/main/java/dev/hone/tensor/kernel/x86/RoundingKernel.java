package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.Input;
import dev.hone.tensor.Input.StaticInt8;
import dev.hone.tensor.kernel.panels.DotPanels;
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
import java.lang.foreign.MemorySegment;

/**
 * Rounds rows of floats to integers of 8 bits, each row on a grid of its own or all on the first
 * one's, which is given then ({@link Input}): what {@link IntegerProductKernel} reads.
 *
 * <pre>
 *   out    [row] as words q - zero, or as bytes q
 *   grids  [row] of a scale and a zero with the opposite sign
 * </pre>
 */
final class RoundingKernel {
  /** Numbers that are rounded at a time: rows of {@code out} hold a multiple of it. */
  static final int STEP = RowSteps.WIDTH.floats();

  private static final Width WIDTH = RowSteps.WIDTH;

  private final Form form;
  private final boolean given;
  private final MemorySegment code;

  RoundingKernel(Input input, Form form) {
    this.form = form;
    this.given = input instanceof StaticInt8;
    this.code = CodeMemory.install(assemble(input, form));
  }

  /** Bytes of a row of {@code out} that holds so many numbers. */
  long rowBytes(long cols) {
    return (cols + STEP - 1) / STEP * STEP * form.bytes();
  }

  /**
   * @param x [rows][cols], {@code stride} bytes apart
   * @param out [rows] of {@link #rowBytes}, {@code outStride} bytes apart
   * @param grids [rows] of {@link Grids#BYTES}; of {@link StaticInt8} the first is read
   * @param inverses {@link DotPanels}
   */
  void run(
      MemorySegment x,
      long stride,
      long rows,
      long cols,
      MemorySegment out,
      long outStride,
      MemorySegment grids,
      MemorySegment inverses) {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("rows=" + rows + ", cols=" + cols);
    }
    Segments.require(x, rows, stride, cols * Float.BYTES);
    Segments.require(out, rows, outStride, rowBytes(cols));
    Segments.require(grids, rows, Grids.BYTES, Grids.BYTES);
    if (given) {
      Segments.require(inverses, 1, 0, (cols + STEP - 1) / STEP * STEP * Float.BYTES);
    }
    CodeMemory.call(
        code,
        address(x),
        address(out),
        address(grids),
        rows,
        cols,
        stride,
        outStride,
        address(inverses));
  }

  static Assembly assemble(Input input, Form form) {
    return new Writer(input, form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private final Input input;
    private final Form form;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(WIDTH);
    private final Gpr x = registers.argument("x");
    private final Gpr out = registers.argument("out");
    private final Gpr grids = registers.argument("grids");
    private final Gpr rows = registers.argument("rows");
    private final Gpr cols = registers.argument("cols");
    private final Gpr stride = registers.argument("stride");
    private final Gpr outStride = registers.gpr("stride of out");
    private final Gpr to = registers.gpr("to");
    private final Gpr inverses = registers.gpr("inverses");
    private final GridWriter grid;
    private final Vec least;
    private final Vec most;
    private final Vec numbers;
    private final RowSteps steps;

    Writer(Input input, Form form) {
      this.input = input;
      this.form = form;
      grid = new GridWriter(asm, registers, input, grids);
      least = grid.least;
      most = grid.most;
      numbers = grid.numbers;
      steps = new RowSteps(asm, registers, cols);
    }

    Assembly write() {
      asm.enter(registers);
      asm.mov(outStride, Assembler.stackArgument(registers, 6));
      asm.mov(inverses, Assembler.stackArgument(registers, 7));
      steps.begin();
      grid.begin();
      Label row = asm.here();
      if (grid.given()) {
        asm.vxorps(grid.noNumber, grid.noNumber, grid.noNumber);
        round();
        grid.storeGrid();
      } else {
        extremes();
        grid.grid();
        round();
      }
      asm.add(x, stride);
      asm.add(out, outStride);
      asm.add(grids, Grids.BYTES);
      asm.sub(rows, 1);
      asm.jne(row);
      asm.leave(registers);
      return grid.end(
          "round-" + input.label() + "-" + form.name().toLowerCase(java.util.Locale.ROOT));
    }

    private void extremes() {
      asm.vxorps(least, least, least);
      asm.vxorps(most, most, most);
      steps.each(
          step -> {
            step.load(numbers, x);
            asm.vpmaxud(least, least, numbers); // the sign is the highest bit
            asm.vpmaxsd(most, most, numbers);
          });
      grid.extremes();
    }

    private void round() {
      asm.mov(to, out);
      steps.each(
          step -> {
            step.load(numbers, x);
            if (grid.given()) {
              asm.vfmadd231ps(grid.noNumber, numbers, grid.nothing);
              asm.vmulps(numbers, numbers, step.memory(inverses));
            } else {
              asm.vmulps(numbers, numbers, grid.inverse);
            }
            asm.vmaxps(numbers, numbers, least);
            asm.vminps(numbers, numbers, most);
            asm.vcvtps2dq(numbers, numbers);
            if (form == Form.BYTES) {
              asm.vpaddd(numbers, numbers, grid.zero);
            }
            asm.vpackssdw(numbers, numbers, numbers);
            asm.vpermq(numbers, numbers, 0x08); // both halves of 128 bits held their words twice
            switch (form) {
              case WORDS -> asm.vmovups(Memory.at(to, 0), new Vec(Width.XMM, numbers.number()));
              case BYTES -> {
                asm.vpackuswb(numbers, numbers, numbers);
                asm.vmovq(Memory.at(to, 0), numbers);
              }
            }
            asm.add(to, STEP * form.bytes());
          });
    }
  }
}
