package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Blocks of {@link BlockPanels} as products by tiles of BF16 read them: an integer times its scale,
 * rounded to BF16. A block of 32 input features is a step of a product.
 */
final class AmxWideningKernel {
  private static final MethodHandle CALL =
      CodeMemory.caller(
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

  private final BlockForm form;
  private final MemorySegment code;

  AmxWideningKernel(BlockForm form) {
    this.form = form;
    this.code = CodeMemory.install(assemble(form));
  }

  /**
   * @param data [blocks] as {@link BlockPanels.Form} has them
   * @param out [blocks][2 tiles]
   */
  void run(MemorySegment data, MemorySegment out, long blocks) {
    long bytes = form.panels().bytes();
    Segments.require(data, blocks, bytes, bytes);
    Segments.require(out, blocks, AmxForm.BF16.panelStep(), AmxForm.BF16.panelStep());
    try {
      CALL.invokeExact(code, data, out, blocks);
    } catch (Throwable e) {
      throw CodeMemory.thrown(e);
    }
  }

  static Assembly assemble(BlockForm form) {
    return new Writer(form).write();
  }

  /** Writes the code; a field is a register. */
  private static final class Writer {
    private static final int VECTOR = Width.ZMM.bytes();

    private final BlockForm form;
    private final Assembler asm = new Assembler();
    private final Registers registers = new Registers(Width.ZMM);
    private final Gpr data = registers.argument("data");
    private final Gpr out = registers.argument("out");
    private final Gpr blocks = registers.argument("blocks");
    private final Gpr constants = registers.gpr("constants");
    private final Vec mask = registers.vec("mask");
    private final Vec middle = registers.vec("minus middle");
    private final Vec order = registers.vec("pairs side by side");
    private final Vec integers = registers.vec("integers");
    private final Vec scale = registers.vec("scale");
    private final Vec shift = registers.vec("shift");
    private final Vec[] numbers = registers.vecs("numbers", 8);

    Writer(BlockForm form) {
      this.form = form;
    }

    private Assembly write() {
      int bits = form.arithmetic().bits();
      asm.enter(registers);
      asm.lea(
          constants, asm.constant(Float.intBitsToFloat((1 << bits) - 1), (float) -form.middle()));
      asm.vbroadcastss(mask, Memory.at(constants, 0));
      asm.vbroadcastss(middle, Memory.at(constants, Float.BYTES));
      asm.lea(constants, asm.constant(pairs()));
      asm.vmovups(order, Memory.at(constants, 0));
      Label block = asm.here();
      for (int v = 0; v < BlockForm.VECTORS; v++) {
        factors(v);
        int together = Integer.BYTES * Byte.SIZE / bits;
        for (int k = 0; k < Input.BLOCK; k += together) {
          widen(v, k, together, bits);
        }
      }
      asm.add(data, form.panels().bytes());
      asm.add(out, AmxForm.BF16.panelStep());
      asm.sub(blocks, 1);
      asm.jne(block);
      asm.leave(registers);
      return asm.finish("tiles-of-" + form);
    }

    /** Words 0, 16, 1, 17 ...: two rows of 16 become pairs. */
    private static float[] pairs() {
      float[] words = new float[Width.ZMM.floats()];
      for (int i = 0; i < words.length; i++) {
        words[i] = Float.intBitsToFloat(i + 16 << 16 | i);
      }
      return words;
    }

    private void factors(int v) {
      int bytes = form.scaleBytes();
      int at = form.panels().dataBytes() + v * Width.ZMM.floats() * bytes;
      load(scale, at);
      if (form.shifted()) {
        load(shift, at + form.columns() * bytes);
      } else {
        asm.vmulps(shift, scale, middle);
      }
    }

    private void load(Vec to, int at) {
      if (form.scaleBytes() == Short.BYTES) {
        asm.vcvtph2ps(to, Memory.at(data, at));
      } else {
        asm.vmovups(to, Memory.at(data, at));
      }
    }

    /** Those input features of 16 columns that stand in words of 32 bits. */
    private void widen(int v, int k, int together, int bits) {
      asm.vmovups(integers, Memory.at(data, (k / together * BlockForm.VECTORS + v) * VECTOR));
      for (int i = 0; i < together; i++) {
        int right = i % 4 * Byte.SIZE + i / 4 * bits; // bytes; then their upper halves
        Vec number = numbers[i];
        if (right > 0) {
          asm.vpsrld(number, integers, right);
        }
        asm.vandps(number, right > 0 ? number : integers, mask);
        asm.vcvtdq2ps(number, number);
        asm.vfmadd213ps(number, scale, shift);
      }
      for (int i = 0; i < together; i += 2) {
        asm.vcvtne2ps2bf16(numbers[i], numbers[i + 1], numbers[i]);
        asm.vpermw(numbers[i], order, numbers[i]);
        int at = v * AmxForm.TILE_BYTES + (k + i) / 2 * AmxForm.ROW_BYTES;
        asm.vmovups(Memory.at(out, at), numbers[i]);
      }
    }
  }
}
