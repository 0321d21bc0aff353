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
 * Goes through rows of any length, a vector of 8 floats a step; the last step of a row works under
 * a mask.
 */
final class RowSteps {
  static final Width WIDTH = Width.YMM;

  private final Assembler asm;

  /** Floats of a row. */
  private final Gpr length;

  /** Bytes from the row's begin to the step's vector. */
  private final Gpr at;

  private final Gpr left;
  private final Vec mask;

  RowSteps(Assembler asm, Registers registers, Gpr length) {
    this.asm = asm;
    this.length = length;
    at = registers.gpr("at");
    left = registers.gpr("left");
    mask = registers.vec("mask");
  }

  /** Makes the mask: as many marks as the last step has numbers; all, where it is whole. */
  void begin() {
    asm.lea(at, asm.constant(Masks.table(WIDTH)));
    asm.mov(left, length);
    asm.sub(left, 1);
    asm.and(left, WIDTH.floats() - 1);
    asm.add(left, 1);
    asm.shl(left, 2);
    asm.neg(left);
    asm.vmovups(mask, Memory.at(at, left, 1, WIDTH.bytes()));
  }

  /** One of a row's vectors. */
  final class Step {
    private final boolean last;

    private Step(boolean last) {
      this.last = last;
    }

    /** The numbers of the row that begins there; zero where the row has ended. */
    void load(Vec to, Gpr row) {
      Memory from = Memory.at(row, at, 1, 0);
      if (last) {
        asm.vmaskmovps(to, mask, from);
      } else {
        asm.vmovups(to, from);
      }
    }

    void store(Gpr row, Vec from) {
      Memory to = Memory.at(row, at, 1, 0);
      if (last) {
        asm.vmaskmovps(to, mask, from);
      } else {
        asm.vmovups(to, from);
      }
    }

    /** Makes what lies behind the row's end zero. */
    void clearBehind(Vec vec) {
      if (last) {
        asm.vandps(vec, vec, mask);
      }
    }
  }

  /** Does a row, step by step. */
  void each(Consumer<Step> work) {
    Label lastStep = new Label();
    asm.mov(at, 0);
    asm.mov(left, length);
    asm.sub(left, WIDTH.floats());
    asm.jle(lastStep);
    Label loop = asm.here();
    work.accept(new Step(false));
    asm.add(at, WIDTH.bytes());
    asm.sub(left, WIDTH.floats());
    asm.jg(loop);
    asm.bind(lastStep);
    work.accept(new Step(true));
  }
}
