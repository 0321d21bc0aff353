package dev.hone.tensor.kernel.x86.assembler;

import java.util.Locale;

/** The general purpose registers of 64 bits. */
public enum Gpr {
  RAX(0),
  RCX(1),
  RDX(2),
  RBX(3),
  RSP(4),
  RBP(5),
  RSI(6),
  RDI(7),
  R8(8),
  R9(9),
  R10(10),
  R11(11),
  R12(12),
  R13(13),
  R14(14),
  R15(15);

  private final int number;

  Gpr(int number) {
    this.number = number;
  }

  /** As instructions have it: three bits, and one in a prefix. */
  public int number() {
    return number;
  }

  /** What its lower 32 bits are called. */
  String lower32() {
    return number < 8 ? "e" + lower16() : this + "d";
  }

  /** What its lower 16 bits are called. */
  String lower16() {
    return number < 8 ? toString().substring(1) : this + "w";
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
