package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.function.Consumer;

/**
 * Goes through rows of any length: some of the widest vectors at a time, then vectors of 8 floats
 * one by one, then what is left under a mask.
 */
final class RowSteps {
  static final Width WIDTH = Width.YMM;

  private final Assembler asm;

  /** Floats of a row. */
  private final Gpr length;

  /** Bytes from the row's begin to the step's first vector. */
  private final Gpr at;

  private final Gpr left;
  private final Vec mask;

  RowSteps(Assembler asm, Registers registers, Gpr length) {
    this.asm = asm;
    this.length = length;
    at = registers.gpr("at");
    left = registers.gpr("left");
    mask = new Vec(WIDTH, registers.vec("mask").number());
  }

  /** Makes the mask: as many marks as numbers are left behind the last vector. */
  void begin() {
    asm.lea(at, asm.constant(Masks.table(WIDTH)));
    asm.mov(left, length);
    asm.and(left, WIDTH.floats() - 1);
    asm.shl(left, 2);
    asm.neg(left);
    asm.vmovups(mask, Memory.at(at, left, 1, WIDTH.bytes()));
  }

  /**
   * One of a row's vectors.
   *
   * @param index among those that are done at a time
   */
  record Step(RowSteps of, Width width, int index, boolean masked) {
    /** As much of a register as the step works on. */
    Vec part(Vec vec) {
      return new Vec(width, vec.number());
    }

    /** The numbers of the row that begins there; zero where the row has ended. */
    void load(Vec to, Gpr row) {
      if (masked) {
        of.asm.vmaskmovps(part(to), of.mask, memory(row));
      } else {
        of.asm.vmovups(part(to), memory(row));
      }
    }

    void store(Gpr row, Vec from) {
      if (masked) {
        of.asm.vmaskmovps(memory(row), of.mask, part(from));
      } else {
        of.asm.vmovups(memory(row), part(from));
      }
    }

    /** Where the step's numbers lie in a row that begins there. */
    Memory memory(Gpr row) {
      return Memory.at(row, of.at, 1, index * width.bytes());
    }

    /** Makes what lies behind the row's end zero. */
    void clearBehind(Vec vec) {
      if (masked) {
        of.asm.vandps(part(vec), part(vec), of.mask);
      }
    }
  }

  /** Does a row, vector by vector. */
  void each(Consumer<Step> work) {
    begin(work, 0, WIDTH);
    end(work);
  }

  /**
   * Does a row, so many vectors at a time.
   *
   * @param between what is done before vectors of 8 floats follow
   */
  void each(int sideBySide, Width widest, Consumer<Step> work, Runnable between) {
    begin(work, sideBySide, widest);
    between.run();
    end(work);
  }

  private void begin(Consumer<Step> work, int sideBySide, Width widest) {
    asm.mov(at, 0);
    asm.mov(left, length);
    if (sideBySide > 0) {
      vectors(work, sideBySide, widest);
    }
  }

  private void end(Consumer<Step> work) {
    Label end = new Label();
    vectors(work, 1, WIDTH);
    asm.test(left, left);
    asm.je(end);
    work.accept(new Step(this, WIDTH, 0, true));
    asm.bind(end);
  }

  /** So many vectors at a time, as long as there are as many. */
  private void vectors(Consumer<Step> work, int count, Width width) {
    int floats = count * width.floats();
    Label done = new Label();
    asm.sub(left, floats);
    asm.jl(done);
    Label loop = asm.here();
    for (int i = 0; i < count; i++) {
      work.accept(new Step(this, width, i, false));
    }
    asm.add(at, count * width.bytes());
    asm.sub(left, floats);
    asm.jge(loop);
    asm.bind(done);
    asm.add(left, floats);
  }
}
