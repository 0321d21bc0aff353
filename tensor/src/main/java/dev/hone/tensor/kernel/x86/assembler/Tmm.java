package dev.hone.tensor.kernel.x86.assembler;

/** One of the eight tile registers: up to 16 rows of up to 64 bytes. */
public record Tmm(int number) {
  public Tmm {
    if (number < 0 || number > 7) {
      throw new IllegalArgumentException("tmm" + number + ": there are eight");
    }
  }

  @Override
  public String toString() {
    return "tmm" + number;
  }
}
