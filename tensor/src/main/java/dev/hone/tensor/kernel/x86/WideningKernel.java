package dev.hone.tensor.kernel.x86;

import static dev.hone.tensor.kernel.x86.Segments.address;

import dev.hone.tensor.kernel.x86.Widener.Shift;
import dev.hone.tensor.kernel.x86.Widener.Source;
import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Assembly;
import dev.hone.tensor.kernel.x86.assembler.CodeMemory;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Label;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Width;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/** Input features of a panel, all of one group, as floats. */
final class WideningKernel {
  private final int columns;
  private final Source source;
  private final Shift shift;
  private final MemorySegment code;

  WideningKernel(Width width, int columns, Source source, Shift shift) {
    this.columns = columns;
    this.source = source;
    this.shift = shift;
    code = CodeMemory.install(assemble(width, columns, source, shift));
  }

  /**
   * @param data [features][columns], or [features / 2][columns] of nibbles
   * @param out [features][columns] of floats; one row more where nibbles end with half a byte
   * @param scales [columns] floats, if the source has scales
   * @param shifts what {@link Shift} says
   */
  void run(
      MemorySegment data,
      MemorySegment out,
      long features,
      MemorySegment scales,
      MemorySegment shifts) {
    long steps = (features + source.features() - 1) / source.features();
    long dataRow = (long) columns * source.bytes();
    long row = (long) columns * Float.BYTES;
    Segments.require(data, steps, dataRow, dataRow);
    Segments.require(out, steps * source.features(), row, row);
    if (source.scaled()) {
      Segments.require(scales, 1, 0, row);
      Segments.require(shifts, 1, 0, shift.bytes(columns));
    }
    CodeMemory.call(code, address(data), address(out), steps, address(scales), address(shifts));
  }

  static Assembly assemble(Width width, int columns, Source source, Shift shift) {
    int vectors = columns / width.floats();
    Assembler asm = new Assembler();
    Registers registers = new Registers(width);
    Gpr data = registers.argument("data");
    Gpr out = registers.argument("out");
    Gpr steps = registers.argument("steps");
    Gpr scales = registers.argument("scales");
    Gpr shifts = registers.argument("shifts");
    Gpr address = registers.gpr("address");
    Widener widener = new Widener(asm, registers, width, vectors, source, shift);
    asm.enter(registers);
    widener.constants(address);
    widener.factors(scales, shifts);
    Label loop = asm.here();
    for (int v = 0; v < vectors; v++) {
      widener.load(v, Memory.at(data, v * width.floats() * source.bytes()));
      for (int feature = 0; feature < source.features(); feature++) {
        int to = feature * columns * Float.BYTES + v * width.bytes();
        asm.vmovups(Memory.at(out, to), widener.number(v, feature));
      }
    }
    asm.add(data, columns * source.bytes());
    asm.add(out, columns * Float.BYTES * source.features());
    asm.sub(steps, 1);
    asm.jne(loop);
    asm.leave(registers);
    String label = source + "-" + shift + "-" + columns;
    return asm.finish("widening-" + label.toLowerCase(Locale.ROOT));
  }
}
