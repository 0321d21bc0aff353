package dev.hone.tensor.kernel.x86.assembler;

import java.util.ArrayList;
import java.util.List;

/** A place in the code that jumps lead to, before or after it is known. */
public final class Label {
  static final int UNKNOWN = -1;

  /** Offset from the beginning of the code, or {@link #UNKNOWN}. */
  int offset = UNKNOWN;

  /** Offsets of the distances that are to be filled in. */
  final List<Integer> references = new ArrayList<>();

  @Override
  public String toString() {
    return "0x" + Integer.toHexString(offset);
  }
}
