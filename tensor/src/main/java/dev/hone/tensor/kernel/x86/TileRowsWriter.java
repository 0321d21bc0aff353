package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;

/**
 * Writes what kernels share that make rows of floats ready for products: they go through x row by
 * row, step by step of {@code depth} numbers, and through {@code out}, where some rows lie beside
 * each other, step by step: those of two tiles, or each by itself. The numbers behind a row's last
 * whole step are put among zeros first. A field is a register.
 */
final class TileRowsWriter {
  private final Assembler asm;
  private final Registers registers;
  private final int depth;

  /** Bytes of x that a step reads. */
  private final int stepBytes;

  /** Bytes that rows beside each other take of a step. */
  private final int rowStep;

  /** Rows beside each other. */
  private final int group;

  private final Gpr x;
  private final Gpr out;
  private final Gpr rows;
  private final Gpr cols;
  private final Gpr stride;

  /** Where a step finds its numbers, and where it puts what it makes of them. */
  final Gpr from;

  final Gpr to;
  private final Gpr left;
  private final Gpr beside;
  private final Gpr rowsLeft;
  private final Vec number;

  /** Bytes between the first step of the last row of some and of the first one behind them. */
  private final Gpr gap;

  /** For tiles. */
  TileRowsWriter(Assembler asm, Registers registers, AmxForm form) {
    this(asm, registers, form.depth(), form.rowStep(), AmxForm.ROWS);
  }

  TileRowsWriter(Assembler asm, Registers registers, int depth, int rowStep, int group) {
    this.asm = asm;
    this.registers = registers;
    this.depth = depth;
    this.rowStep = rowStep;
    this.group = group;
    stepBytes = depth * Float.BYTES;
    x = registers.argument("x");
    out = registers.argument("out");
    rows = registers.argument("rows");
    cols = registers.argument("cols");
    stride = registers.argument("stride");
    gap = registers.argument("gap");
    from = registers.gpr("from");
    to = registers.gpr("to");
    left = registers.gpr("left");
    beside = registers.gpr("beside");
    rowsLeft = registers.gpr("rows left beside each other");
    number = registers.vec("number");
  }

  /** Enters the function. */
  void begin() {
    asm.enter(registers);
    asm.mov(rowsLeft, group);
    asm.sub(Gpr.RSP, room());
  }

  void leave() {
    asm.add(Gpr.RSP, room());
    asm.leave(registers);
  }

  /**
   * For the step behind the last whole one, and for what lies below the stack pointer until then.
   */
  int room() {
    return stepBytes + 64;
  }

  /** All rows. */
  void each(Runnable row) {
    Label again = asm.here();
    row.run();
    Label sameTiles = new Label();
    asm.add(out, AmxForm.ROW_BYTES);
    asm.sub(rowsLeft, 1);
    asm.jne(sameTiles);
    asm.add(out, gap);
    asm.mov(rowsLeft, group);
    asm.bind(sameTiles);
    asm.add(x, stride);
    asm.sub(rows, 1);
    asm.jne(again);
  }

  /** All steps of a row. */
  void steps(Runnable step) {
    Label rest = new Label();
    Label end = new Label();
    asm.mov(from, x);
    asm.mov(to, out);
    asm.mov(left, cols);
    asm.sub(left, depth);
    asm.jl(rest);
    Label loop = asm.here();
    step.run();
    asm.add(from, stepBytes);
    asm.add(to, rowStep);
    asm.sub(left, depth);
    asm.jge(loop);
    asm.bind(rest);
    asm.add(left, depth);
    asm.je(end);
    amongZeros();
    step.run();
    asm.bind(end);
  }

  private void amongZeros() {
    asm.vxorps(number, number, number);
    for (int at = 0; at < stepBytes; at += Width.ZMM.bytes()) {
      asm.vmovups(Memory.at(Gpr.RSP, at), number);
    }
    asm.mov(beside, Gpr.RSP);
    Label one = asm.here();
    asm.vbroadcastss(number, Memory.at(from, 0));
    asm.vmovss(Memory.at(beside, 0), number);
    asm.add(from, Float.BYTES);
    asm.add(beside, Float.BYTES);
    asm.sub(left, 1);
    asm.jne(one);
    asm.mov(from, Gpr.RSP);
  }
}
