package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.DType.Block;
import dev.hone.tensor.Input;
import dev.hone.tensor.Tensor;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import java.lang.foreign.MemorySegment;

/**
 * Rows of Q8_0 or Q4_0 as {@link BlockPanels} have them. A model is packed in a fraction of the
 * time that the JVM needs to compile the loops that do the same.
 */
final class BlockPackingKernel {
  /** Where the numbers of a block begin: behind its scale. */
  private static final int NUMBERS = Short.BYTES;

  private final BlockForm form;
  private final MemorySegment code;

  BlockPackingKernel(BlockForm form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
  }

  /** Whether it knows how a matrix lies. */
  static boolean reads(Tensor weight) {
    return weight.dtype() == Block.Q8_0 || weight.dtype() == Block.Q4_0;
  }

  /**
   * Fills a panel whose columns may be fewer than it has room for.
   *
   * @param rows [columns] of {@code blocks} blocks of {@link #type}
   * @param panel [blocks], all zero
   */
  void run(MemorySegment rows, MemorySegment panel, long blocks, long columns) {
    if (blocks <= 0 || columns <= 0 || columns > form.columns()) {
      throw new IllegalArgumentException("blocks=" + blocks + ", columns=" + columns);
    }
    long rowBytes = blocks * type(form).bytes();
    long blockBytes = form.panels().bytes();
    Segments.require(rows, columns, rowBytes, rowBytes);
    Segments.require(panel, blocks, blockBytes, blockBytes);
    CodeMemory.call(code, address(rows), address(panel), blocks, columns);
  }

  /** What becomes panels of a form. */
  static Block type(BlockForm form) {
    return form.arithmetic().bits() == 4 ? Block.Q4_0 : Block.Q8_0;
  }

  static Assembly assemble(BlockForm form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    /** Numbers of 8 bits in 32; a sign bit that is swapped adds 128. */
    private static final int SIGNS = 0x80808080;

    private static final int LOW_NIBBLES = 0x0F0F0F0F;
    private static final int HIGH_NIBBLES = 0xF0F0F0F0;

    private final BlockForm form;
    private final int unit;
    private final Assembler asm = new Assembler();
    private final Registers registers;
    private final Gpr from;
    private final Gpr panel;
    private final Gpr blocks;
    private final Gpr columns;
    private final Gpr left;
    private final Gpr to;
    private final Gpr scales;
    private final Gpr scale;
    private final Gpr number;
    private final Gpr other;

    Writer(BlockForm form) {
      this.form = form;
      unit = form.arithmetic().unit();
      registers = new Registers(form.width());
      from = registers.argument("rows");
      panel = registers.argument("panel");
      blocks = registers.argument("blocks");
      columns = registers.argument("columns");
      left = registers.gpr("blocks left");
      to = registers.gpr("place of a block's numbers");
      scales = registers.gpr("the column's first scale");
      scale = registers.gpr("place of a block's scale");
      number = registers.gpr("number");
      other = registers.gpr("other");
    }

    Assembly write() {
      asm.enter(registers);
      asm.lea(scales, Memory.at(panel, form.panels().dataBytes()));
      Label column = asm.here();
      asm.mov(to, panel);
      asm.mov(scale, scales);
      asm.mov(left, blocks);
      Label block = asm.here();
      asm.movzx16(number, Memory.at(from, 0));
      asm.mov16(Memory.at(scale, 0), number);
      if (form.arithmetic().bits() == 4) {
        nibbles();
      } else if (unit == 2) {
        words();
      } else {
        bytes();
      }
      asm.add(from, type(form).bytes());
      asm.add(to, form.panels().bytes());
      asm.add(scale, form.panels().bytes());
      asm.sub(left, 1);
      asm.jne(block);
      asm.add(panel, unit);
      asm.add(scales, Short.BYTES);
      asm.sub(columns, 1);
      asm.jne(column);
      asm.leave(registers);
      return asm.finish("packing-" + form);
    }

    private void bytes() {
      for (int k = 0; k < Input.BLOCK; k += unit) {
        asm.mov32(number, Memory.at(from, NUMBERS + k));
        if (form.middle() != 0) {
          asm.xor32(number, SIGNS);
        }
        asm.mov32(place(k / unit), number);
      }
    }

    private void words() {
      for (int k = 0; k < Input.BLOCK; k += unit) {
        asm.movzx16(number, Memory.at(from, NUMBERS + k));
        asm.mov16(place(k / unit), number);
      }
    }

    /** Q4_0 has number k beside k + 16, a panel beside k + 4. */
    private void nibbles() {
      for (int k = 0; k < Input.BLOCK; k += 2 * unit) {
        boolean high = k >= Input.BLOCK / 2;
        int at = NUMBERS + k % (Input.BLOCK / 2);
        asm.mov32(number, Memory.at(from, at));
        asm.mov32(other, Memory.at(from, at + unit));
        asm.and32(number, high ? HIGH_NIBBLES : LOW_NIBBLES);
        asm.and32(other, high ? HIGH_NIBBLES : LOW_NIBBLES);
        if (high) {
          asm.shr32(number, 4);
        } else {
          asm.shl(other, 4);
        }
        asm.or(number, other);
        asm.mov32(place(k / (2 * unit)), number);
      }
    }

    /** Where a unit of the column goes. */
    private Memory place(int index) {
      return Memory.at(to, index * form.columns() * unit);
    }
  }
}
