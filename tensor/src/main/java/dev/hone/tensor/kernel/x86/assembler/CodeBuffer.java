package dev.hone.tensor.kernel.x86.assembler;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Machine code while it is written: bytes, places, constants behind them, and a listing. */
final class CodeBuffer {
  /** The longest instruction there is, rounded up. */
  private static final int LONGEST = 16;

  private ByteBuffer code = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
  private final List<Assembly.Instruction> instructions = new ArrayList<>();
  private final Map<Label, float[]> constants = new LinkedHashMap<>();

  /** Begins an instruction; its text is only put together where somebody reads it. */
  void begin(String mnemonic, Object... operands) {
    reserve();
    instructions.add(new Assembly.Instruction(code.position(), mnemonic, operands));
  }

  CodeBuffer put(int value) {
    code.put((byte) value);
    return this;
  }

  void putInt(int value) {
    code.putInt(value);
  }

  /** The distance from the end of the instruction, whose last four bytes it is. */
  void putDistance(Label to) {
    to.references.add(code.position());
    code.putInt(to.offset == Label.UNKNOWN ? 0 : to.offset - code.position() - Integer.BYTES);
  }

  void bind(Label label) {
    if (label.offset != Label.UNKNOWN) {
      throw new IllegalStateException("a label is bound once");
    }
    label.offset = code.position();
    for (int reference : label.references) {
      code.putInt(reference, label.offset - reference - Integer.BYTES);
    }
  }

  /** Numbers to stand behind the code, where every vector is aligned. */
  void constant(Label label, float... values) {
    constants.put(label, values.clone());
  }

  /** What was written; nothing can be added after. */
  Assembly finish(String name) {
    int end = code.position();
    for (var constant : constants.entrySet()) {
      while (code.position() % Width.ZMM.bytes() != 0) {
        reserve();
        put(0);
      }
      bind(constant.getKey());
      for (float value : constant.getValue()) {
        reserve();
        code.putFloat(value);
      }
    }
    return new Assembly(name, Arrays.copyOf(code.array(), code.position()), end, instructions);
  }

  private void reserve() {
    if (code.remaining() < LONGEST) {
      ByteBuffer larger = ByteBuffer.allocate(2 * code.capacity()).order(ByteOrder.LITTLE_ENDIAN);
      code = larger.put(code.flip());
    }
  }
}
