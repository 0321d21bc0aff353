package dev.hone.tensor.kernel.x86.assembler;

/**
 * An address: {@code base + index * scale + displacement}.
 *
 * @param index null where there is none
 * @param scale 1, 2, 4 or 8
 */
public record Memory(Gpr base, Gpr index, int scale, int displacement) implements Operand {
  public Memory {
    if (index == Gpr.RSP) {
      throw new IllegalArgumentException("rsp cannot be an index");
    }
    if (scale != 1 && scale != 2 && scale != 4 && scale != 8) {
      throw new IllegalArgumentException("scale=" + scale + ": 1, 2, 4 or 8");
    }
  }

  public static Memory at(Gpr base, int displacement) {
    return new Memory(base, null, 1, displacement);
  }

  public static Memory at(Gpr base, Gpr index, int scale, int displacement) {
    return new Memory(base, index, scale, displacement);
  }

  /** The place so many bytes further on. */
  public Memory plus(int bytes) {
    return new Memory(base, index, scale, displacement + bytes);
  }

  /** As a disassembler writes it: {@code [rdi+rax*2-0x10]}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("[").append(base);
    if (index != null) {
      text.append('+').append(index).append('*').append(scale);
    }
    boolean written = base == Gpr.RBP || base == Gpr.R13; // their encoding has no form without
    if (displacement != 0 || written) {
      text.append(displacement < 0 ? '-' : '+');
      text.append("0x").append(Integer.toHexString(Math.abs(displacement)));
    }
    return text.append(']').toString();
  }
}
