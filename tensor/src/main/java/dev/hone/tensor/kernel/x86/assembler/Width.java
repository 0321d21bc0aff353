package dev.hone.tensor.kernel.x86.assembler;

/** How much of a vector register an instruction works on. */
public enum Width {
  XMM(16),
  YMM(32),
  ZMM(64);

  private final int bytes;

  Width(int bytes) {
    this.bytes = bytes;
  }

  public int bytes() {
    return bytes;
  }

  public int floats() {
    return bytes / Float.BYTES;
  }

  /** Vector registers there are: the encoding for 512 bits reaches twice as many. */
  public int registers() {
    return this == ZMM ? 32 : 16;
  }
}
