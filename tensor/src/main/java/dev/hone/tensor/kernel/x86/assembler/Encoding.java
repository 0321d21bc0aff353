package dev.hone.tensor.kernel.x86.assembler;

/**
 * The bytes of one vector instruction but for its registers: Intel 64 and IA-32 Architectures
 * Software Developer's Manual, volume 2, where {@code VEX.256.66.0F38.W0 B8 /r} is written.
 *
 * @param prefix 0 none, 1 = 66, 2 = F3, 3 = F2
 * @param map 1 = 0F, 2 = 0F38, 3 = 0F3A
 * @param wide the bit W
 * @param memory bytes of the operand in memory, or one of the constants below
 */
record Encoding(String mnemonic, int prefix, int map, int opcode, boolean wide, int memory) {
  /** As many bytes as the register has. */
  static final int WHOLE = 0;

  static final int HALF = -1;
  static final int QUARTER = -2;

  static Encoding of(String mnemonic, int prefix, int map, int opcode) {
    return new Encoding(mnemonic, prefix, map, opcode, false, WHOLE);
  }

  static Encoding of(String mnemonic, int prefix, int map, int opcode, int memory) {
    return new Encoding(mnemonic, prefix, map, opcode, false, memory);
  }

  int memoryBytes(Width width) {
    return switch (memory) {
      case WHOLE -> width.bytes();
      case HALF -> width.bytes() / 2;
      case QUARTER -> width.bytes() / 4;
      default -> memory;
    };
  }

  /** Memory as a disassembler names it with its size: {@code YMMWORD PTR [rdi]}. */
  record Sized(Memory memory, int bytes) {
    @Override
    public String toString() {
      String size =
          switch (bytes) {
            case 1 -> "BYTE";
            case 2 -> "WORD";
            case 4 -> "DWORD";
            case 8 -> "QWORD";
            case 16 -> "XMMWORD";
            case 32 -> "YMMWORD";
            case 64 -> "ZMMWORD";
            default -> throw new IllegalStateException("bytes=" + bytes);
          };
      return size + " PTR " + memory;
    }
  }

  static Sized sized(Memory memory, int bytes) {
    return new Sized(memory, bytes);
  }
}
