package dev.hone.tensor.kernel.x86;

/** How much of a vector register an instruction works on. */
enum Width {
  XMM(16),
  YMM(32),
  ZMM(64);

  private final int bytes;

  Width(int bytes) {
    this.bytes = bytes;
  }

  int bytes() {
    return bytes;
  }

  int floats() {
    return bytes / Float.BYTES;
  }

  /** Vector registers there are: the encoding for 512 bits reaches twice as many. */
  int registers() {
    return this == ZMM ? 32 : 16;
  }
}
