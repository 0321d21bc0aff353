package dev.hone.tensor.kernel.x86.assembler;

/** One of the mask registers k1 to k7: a bit for every number of a ZMM. */
public record Opmask(int number) {
  public Opmask {
    if (number < 1 || number > 7) {
      throw new IllegalArgumentException("k" + number + ": k1 to k7 choose");
    }
  }

  @Override
  public String toString() {
    return "k" + number;
  }
}
