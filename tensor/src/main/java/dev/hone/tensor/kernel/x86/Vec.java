package dev.hone.tensor.kernel.x86;

import java.util.Locale;

/** A vector register, as wide as it is used. */
record Vec(Width width, int number) implements Operand {
  Vec {
    if (number < 0 || number >= width.registers()) {
      throw new IllegalArgumentException("there is no " + width + number);
    }
  }

  @Override
  public String toString() {
    return width.name().toLowerCase(Locale.ROOT) + number;
  }
}
