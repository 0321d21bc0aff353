package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.Input;
import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes how blocks of {@link BlockPanels} become tiles of BF16: an integer times its scale,
 * rounded. A block of 32 input features, a step of a product, is made in some items: those features
 * of its 32 columns that stand in words of 32 bits. A field is a register.
 */
final class BlockTilesWriter {
  private static final int VECTOR = Width.ZMM.bytes();

  /** How far ahead of its use a block is asked for, in bytes. */
  private static final int PREFETCH = 4096;

  private final Assembler asm;
  private final BlockForm form;
  private final Gpr data;
  private final Gpr out;

  /** Items that are still to be made. */
  private final Gpr left;

  private final Vec mask;
  private final Vec middle;
  private final Vec order;
  private final Vec integers;
  private final Vec[] scales;
  private final Vec[] shifts;
  private final Vec[] numbers;

  BlockTilesWriter(
      Assembler asm, Registers registers, BlockForm form, Gpr data, Gpr out, Gpr left) {
    this.asm = asm;
    this.form = form;
    this.data = data;
    this.out = out;
    this.left = left;
    mask = registers.vec("mask");
    middle = registers.vec("minus middle");
    order = registers.vec("pairs side by side");
    integers = registers.vec("integers");
    scales = registers.vecs("scales of a block", BlockForm.VECTORS);
    shifts = registers.vecs("shifts of a block", BlockForm.VECTORS);
    numbers = registers.vecs("numbers of an item", 8);
  }

  BlockForm form() {
    return form;
  }

  /** Input features of an item. */
  private int together() {
    return Integer.BYTES * Byte.SIZE / form.arithmetic().bits();
  }

  /** Items of a block. */
  int items() {
    return Input.BLOCK / together();
  }

  /** Before the first item, where {@link #left} is the items of as many blocks. */
  void begin(Gpr constants) {
    float ones = Float.intBitsToFloat((1 << form.arithmetic().bits()) - 1);
    Label none = new Label();
    asm.lea(constants, asm.constant(ones, (float) -form.middle()));
    asm.vbroadcastss(mask, Memory.at(constants, 0));
    asm.vbroadcastss(middle, Memory.at(constants, Float.BYTES));
    asm.lea(constants, asm.constant(pairs()));
    asm.vmovups(order, Memory.at(constants, 0));
    asm.test(left, left);
    asm.je(none);
    factors();
    asm.bind(none);
  }

  /** Words 0, 16, 1, 17 ...: two rows of 16 become pairs. */
  private static float[] pairs() {
    float[] words = new float[Width.ZMM.floats()];
    for (int i = 0; i < words.length; i++) {
      words[i] = Float.intBitsToFloat(i + 16 << 16 | i);
    }
    return words;
  }

  /** Scales and shifts of the block that begins. */
  private void factors() {
    for (int v = 0; v < BlockForm.VECTORS; v++) {
      int bytes = form.scaleBytes();
      int at = form.panels().dataBytes() + v * Width.ZMM.floats() * bytes;
      load(scales[v], at);
      if (form.shifted()) {
        load(shifts[v], at + form.columns() * bytes);
      } else {
        asm.vmulps(shifts[v], scales[v], middle);
      }
    }
  }

  private void load(Vec to, int at) {
    if (form.scaleBytes() == Short.BYTES) {
      asm.vcvtph2ps(to, Memory.at(data, at));
    } else {
      asm.vmovups(to, Memory.at(data, at));
    }
  }

  /** As many items as are left. */
  void all() {
    Label end = new Label();
    asm.test(left, left);
    asm.je(end);
    Label next = asm.here();
    item().forEach(Runnable::run);
    asm.test(left, left);
    asm.jne(next);
    asm.bind(end);
  }

  /** One item, in pieces to be written one after the other; there must be one left. */
  List<Runnable> item() {
    List<Runnable> pieces = new ArrayList<>();
    for (int i = 0; i < BlockForm.VECTORS; i++) {
      int v = i;
      pieces.add(() -> asm.prefetcht0(Memory.at(data, PREFETCH + v * VECTOR)));
      pieces.addAll(widen(v));
    }
    pieces.add(this::advance);
    return pieces;
  }

  private void advance() {
    Label end = new Label();
    asm.add(data, BlockForm.VECTORS * VECTOR);
    asm.add(out, together() / 2 * AmxForm.ROW_BYTES);
    asm.sub(left, 1);
    asm.test(left, items() - 1);
    asm.jne(end);
    asm.add(data, form.panels().bytes() - form.panels().dataBytes());
    asm.add(out, AmxForm.TILE_BYTES); // the second tile is made beside the first
    asm.test(left, left);
    asm.je(end);
    factors();
    asm.bind(end);
  }

  /** An item's numbers of 16 columns. */
  private List<Runnable> widen(int v) {
    List<Runnable> pieces = new ArrayList<>();
    pieces.add(() -> asm.vmovups(integers, Memory.at(data, v * VECTOR)));
    for (int i = 0; i < together(); i += 2) {
      int pair = i;
      pieces.add(() -> number(pair, v));
      pieces.add(() -> number(pair + 1, v));
      pieces.add(() -> store(pair, v));
    }
    return pieces;
  }

  private void number(int i, int v) {
    int bits = form.arithmetic().bits();
    int right = i % 4 * Byte.SIZE + i / 4 * bits; // bytes; then their upper halves
    Vec number = numbers[i];
    if (right > 0) {
      asm.vpsrld(number, integers, right);
    }
    asm.vandps(number, right > 0 ? number : integers, mask);
    asm.vcvtdq2ps(number, number);
    asm.vfmadd213ps(number, scales[v], shifts[v]);
  }

  /** Two features of each column side by side. */
  private void store(int i, int v) {
    asm.vcvtne2ps2bf16(numbers[i], numbers[i + 1], numbers[i]);
    asm.vpermw(numbers[i], order, numbers[i]);
    int at = v * AmxForm.TILE_BYTES + i / 2 * AmxForm.ROW_BYTES;
    asm.vmovups(Memory.at(out, at), numbers[i]);
  }
}
