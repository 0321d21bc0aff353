package dev.hone.tensor.kernel.x86.assembler;

import java.util.Locale;

/** A vector register, as wide as it is used. */
public record Vec(Width width, int number) implements Operand {
  public Vec {
    if (number < 0 || number >= width.registers()) {
      throw new IllegalArgumentException("there is no " + width + number);
    }
  }

  @Override
  public String toString() {
    return width.name().toLowerCase(Locale.ROOT) + number;
  }
}
