package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.panels.BlockPanels;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;

/**
 * Blocks of {@link BlockPanels} as products by tiles of BF16 read them: an integer times its scale,
 * rounded to BF16. A block of 32 input features is a step of a product.
 */
final class AmxWideningKernel {
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
    CodeMemory.call(code, address(data), address(out), blocks);
  }

  static Assembly assemble(BlockForm form) {
    var asm = new Assembler();
    var registers = new Registers(Width.ZMM);
    Gpr data = registers.argument("data");
    Gpr out = registers.argument("out");
    Gpr items = registers.argument("items");
    var tiles = new BlockTilesWriter(asm, registers, form, data, out, items);
    asm.enter(registers);
    asm.shl(items, Integer.numberOfTrailingZeros(tiles.items()));
    tiles.begin(registers.gpr("constants"));
    tiles.all();
    asm.leave(registers);
    return asm.finish("tiles-of-" + form);
  }
}
