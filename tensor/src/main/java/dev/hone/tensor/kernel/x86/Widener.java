package dev.hone.tensor.kernel.x86;

import dev.hone.tensor.kernel.x86.assembler.Assembler;
import dev.hone.tensor.kernel.x86.assembler.Gpr;
import dev.hone.tensor.kernel.x86.assembler.Memory;
import dev.hone.tensor.kernel.x86.assembler.Registers;
import dev.hone.tensor.kernel.x86.assembler.Vec;
import dev.hone.tensor.kernel.x86.assembler.Width;

/**
 * Writes the part of a kernel that makes floats of what stands in a panel: {@code w = q * scale +
 * shift}, a column in each lane. A field is a register.
 */
final class Widener {
  /** What stands in the panel. */
  enum Source {
    F32(4, 1),
    F16(2, 1),
    BF16(2, 1),
    BYTES(1, 1),
    /** Two input features a byte, the first in the low half. */
    NIBBLES(1, 2);

    private final int bytes;
    private final int features;

    Source(int bytes, int features) {
      this.bytes = bytes;
      this.features = features;
    }

    /** Bytes that one lane loads. */
    int bytes() {
      return bytes;
    }

    /** Input features that stand in them. */
    int features() {
      return features;
    }

    /** Whether they are integers, with a scale for each group. */
    boolean scaled() {
      return this == BYTES || this == NIBBLES;
    }
  }

  /** What is added to an integer times its scale. */
  enum Shift {
    /** Nothing, and nothing is scaled. */
    NONE,
    /** One number for all columns, times the scale. */
    ONE,
    /** Minus a signed byte for each column, times the scale. */
    ZEROS,
    /** A float for each column. */
    FLOATS;

    /** Bytes of a group's shifts. */
    int bytes(int columns) {
      return switch (this) {
        case NONE -> 0;
        case ONE -> Float.BYTES;
        case ZEROS -> columns;
        case FLOATS -> columns * Float.BYTES;
      };
    }

    /** Bytes from a group's shifts to the next one's. */
    int stride(int columns) {
      return this == ONE ? 0 : bytes(columns);
    }
  }

  private final Assembler asm;
  private final Width width;
  private final Source source;
  private final Shift shift;
  private final Vec[] scale;
  private final Vec[] added;
  private final Vec[] first;
  private final Vec[] second;
  private final Vec mask;

  /**
   * @param vectors columns of a panel, in vectors
   */
  Widener(
      Assembler asm, Registers registers, Width width, int vectors, Source source, Shift shift) {
    this.asm = asm;
    this.width = width;
    this.source = source;
    this.shift = shift;
    scale = registers.vecs("scale", source.scaled() ? vectors : 0);
    added = registers.vecs("added", source.scaled() ? vectors : 0);
    first = registers.vecs("first number", vectors);
    second = registers.vecs("second number", source == Source.NIBBLES ? vectors : 0);
    mask = source == Source.NIBBLES ? registers.vec("low half of a byte") : null;
  }

  /** What stays the same all the time. Overwrites {@code address}. */
  void constants(Gpr address) {
    if (mask != null) {
      asm.lea(address, asm.constant(Float.intBitsToFloat(15)));
      asm.vbroadcastss(mask, Memory.at(address, 0));
    }
  }

  /** What the numbers of a group are multiplied with, and what is added. */
  void factors(Gpr scales, Gpr shifts) {
    for (int v = 0; v < scale.length; v++) {
      switch (shift) {
        case NONE -> {}
        case ONE -> {
          asm.vmovups(scale[v], Memory.at(scales, v * width.bytes()));
          asm.vbroadcastss(added[v], Memory.at(shifts, 0));
          asm.vmulps(added[v], added[v], scale[v]);
        }
        case ZEROS -> {
          asm.vxorps(first[v], first[v], first[v]);
          asm.vmovups(scale[v], Memory.at(scales, v * width.bytes()));
          asm.vpmovsxbd(added[v], Memory.at(shifts, v * width.floats()));
          asm.vcvtdq2ps(added[v], added[v]);
          asm.vsubps(added[v], first[v], added[v]);
          asm.vmulps(added[v], added[v], scale[v]);
        }
        case FLOATS -> {
          asm.vmovups(scale[v], Memory.at(scales, v * width.bytes()));
          asm.vmovups(added[v], Memory.at(shifts, v * width.bytes()));
        }
      }
    }
  }

  /** The numbers of one vector of columns: {@link #number} has them then. */
  void load(int v, Memory from) {
    switch (source) {
      case F32 -> asm.vmovups(first[v], from);
      case F16 -> asm.vcvtph2ps(first[v], from);
      case BF16 -> {
        asm.vpmovzxwd(first[v], from);
        asm.vpslld(first[v], first[v], 16);
      }
      case BYTES -> {
        asm.vpmovsxbd(first[v], from);
        scale(first[v], v);
      }
      case NIBBLES -> {
        asm.vpmovzxbd(first[v], from);
        asm.vpsrld(second[v], first[v], 4);
        asm.vandps(first[v], first[v], mask);
        scale(first[v], v);
        scale(second[v], v);
      }
    }
  }

  /** What was loaded last of a vector of columns, for the first or second input feature. */
  Vec number(int v, int feature) {
    return feature == 0 ? first[v] : second[v];
  }

  private void scale(Vec integers, int v) {
    asm.vcvtdq2ps(integers, integers);
    asm.vfmadd213ps(integers, scale[v], added[v]);
  }
}
